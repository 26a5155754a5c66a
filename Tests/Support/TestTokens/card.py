"""A PIV card in Debian's virtual reader: jcecard's applet, plugged into vsmartcard's vpcd.

usage: card.py PORT DIRECTORY   (in a network namespace of the reader's and its own)

Makes a key and a code signing certificate for slots 9A, 9C and 9E, and writes the issuer to DIRECTORY/issuer.pem. SIGUSR1
plugs the card in and SIGUSR2 pulls it out; a line on standard output says when that is done.

jcecard's applet has the PIN, its counter and the data objects. What it lacks, and a card has, is done here: the select
that cards answer, chaining of commands and answers for short APDUs, and signatures of what the host padded.
"""

import datetime
import fcntl
import logging
import pathlib
import signal
import socket
import struct
import sys
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from jcecard.apdu import APDUCommand
from jcecard.piv import PIVApplet, PIVSlot
from jcecard.piv.data_objects import PIVDataObjects

logging.disable(logging.CRITICAL)

ATR = bytes.fromhex("3b8001") + bytes([0x80 ^ 0x01])
AID = bytes.fromhex("a000000308")
FULL_AID = AID + bytes.fromhex("000010000100")
# [SP 800-73-4 part 1, table 3]
CERTIFICATES = {
    PIVSlot.AUTHENTICATION: bytes.fromhex("5fc105"),
    PIVSlot.SIGNATURE: bytes.fromhex("5fc10a"),
    PIVSlot.CARD_AUTH: bytes.fromhex("5fc101"),
}
HASHES = {32: hashes.SHA256(), 48: hashes.SHA384(), 64: hashes.SHA512()}
SUCCESS, NO_PIN, NOT_FOUND, WRONG_DATA = b"\x90\x00", b"\x69\x82", b"\x6a\x82", b"\x6a\x80"


def tlv(tag, value):
    size = len(value)
    if size < 0x80:
        length = bytes([size])
    elif size < 0x100:
        length = bytes([0x81, size])
    else:
        length = bytes([0x82, size >> 8, size & 0xFF])
    return bytes([tag]) + length + value


def read_tlv(data):
    """The tag and value of each element, in order."""
    elements = []
    while data:
        tag, size, start = data[0], data[1], 2
        if size & 0x80:
            count = size & 0x7F
            size, start = int.from_bytes(data[2 : 2 + count], "big"), 2 + count
        elements.append((tag, data[start : start + size]))
        data = data[start + size :]
    return elements


class Card:
    """One card, whose state outlives its being pulled out."""

    def __init__(self, directory):
        self.applet = PIVApplet()
        self.applet.data_objects.chuid = PIVDataObjects.create_default_chuid()
        self.applet.data_objects.ccc = PIVDataObjects.create_default_ccc()
        self.keys = {
            PIVSlot.AUTHENTICATION: ec.generate_private_key(ec.SECP256R1()),
            PIVSlot.SIGNATURE: ec.generate_private_key(ec.SECP384R1()),
            PIVSlot.CARD_AUTH: rsa.generate_private_key(public_exponent=65537, key_size=2048),
        }
        issuer_key = ec.generate_private_key(ec.SECP384R1())
        issuer = certificate("Card issuer", issuer_key.public_key(), "Card issuer", issuer_key)
        (pathlib.Path(directory) / "issuer.pem").write_bytes(issuer.public_bytes(serialization.Encoding.PEM))
        for slot, key in self.keys.items():
            leaf = certificate(f"Signer {slot:02X}", key.public_key(), "Card issuer", issuer_key)
            der = leaf.public_bytes(serialization.Encoding.DER)
            wrapped = tlv(0x70, der) + tlv(0x71, b"\0") + tlv(0xFE, b"")
            self.applet.data_objects.put_data_object(CERTIFICATES[slot], wrapped)
        self.power()

    def power(self):
        """What a card forgets when it loses its power."""
        self.applet.reset()
        self.has_fresh_pin = False
        self.command, self.answer = b"", b""

    def transmit(self, raw):
        header, rest = raw[:4], raw[4:]
        if header[1] == 0xC0:
            return self.chained(rest[0] if rest else 0)
        # Short APDUs: a length and the data, then how much is expected; each may be missing.
        data = rest[1 : 1 + rest[0]] if len(rest) > 1 else b""
        after = rest[1 + len(data) :] if len(rest) > 1 else rest
        expected = after[0] if after else 0
        if header[0] & 0x10:
            self.command += data
            return SUCCESS
        data, self.command = self.command + data, b""
        self.answer = self.perform(header, data)
        if self.answer[-2:] != SUCCESS:
            answer, self.answer = self.answer, b""
            return answer
        self.answer = self.answer[:-2]
        return self.chained(expected)

    def chained(self, expected):
        """As much of the answer as fits, and how much is left. [ISO/IEC 7816-4 §5.3.4]"""
        count = expected or 256
        part, self.answer = self.answer[:count], self.answer[count:]
        left = len(self.answer)
        return part + (bytes([0x61, left if left < 256 else 0]) if left else SUCCESS)

    def perform(self, header, data):
        _, instruction, p1, p2 = header
        if instruction == 0xA4:
            return self.select(p1, data)
        if instruction == 0x87 and p2 != 0x9B:
            return self.sign(p2, data)
        if instruction == 0x20 and not data and self.applet.security.pin_verified:
            return SUCCESS
        command = APDUCommand(cla=0, ins=instruction, p1=p1, p2=p2, data=data)
        answer = self.applet.process_apdu(command)
        if instruction == 0x20:
            self.has_fresh_pin = answer.sw1 == 0x90
        return answer.data + bytes([answer.sw1, answer.sw2])

    def select(self, p1, data):
        """Selecting the application that is selected already keeps the PIN. [SP 800-73-4 part 2 §3.1.1]"""
        if p1 != 4 or not data.startswith(AID) or not FULL_AID.startswith(data):
            return NOT_FOUND
        self.applet.selected = True
        return tlv(0x61, tlv(0x4F, FULL_AID[5:]) + tlv(0x79, tlv(0x4F, AID))) + SUCCESS

    def sign(self, reference, data):
        elements = dict(read_tlv(data))
        template = dict(read_tlv(elements.get(0x7C, b"")))
        challenge = template.get(0x81)
        try:
            slot = PIVSlot(reference)
        except ValueError:
            return NOT_FOUND
        key = self.keys.get(slot)
        if key is None:
            return NOT_FOUND
        if template.get(0x82) != b"" or challenge is None:
            return WRONG_DATA
        # The signature key wants the PIN right before each signature. [SP 800-73-4 part 1 §3.1.3]
        has_pin = self.has_fresh_pin if slot == PIVSlot.SIGNATURE else self.applet.security.pin_verified
        self.has_fresh_pin = False
        if slot != PIVSlot.CARD_AUTH and not has_pin:
            return NO_PIN
        signature = raw_signature(key, challenge)
        return tlv(0x7C, tlv(0x82, signature)) + SUCCESS if signature else WRONG_DATA


def certificate(name, key, issuer, issuer_key):
    """A certificate of that name: a CA where it issues itself, else one that signs code as Notary wants it."""

    def full(common):
        pairs = [
            (NameOID.COUNTRY_NAME, "US"),
            (NameOID.STATE_OR_PROVINCE_NAME, "WA"),
            (NameOID.ORGANIZATION_NAME, "Acme"),
            (NameOID.COMMON_NAME, common),
        ]
        return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])

    is_ca = name == issuer
    now = datetime.datetime.now(datetime.timezone.utc)
    usages = ["digital_signature", "key_cert_sign", "crl_sign", "content_commitment", "key_encipherment"]
    usages += ["data_encipherment", "key_agreement", "encipher_only", "decipher_only"]
    granted = {"key_cert_sign", "crl_sign"} if is_ca else {"digital_signature"}
    builder = (
        x509.CertificateBuilder()
        .subject_name(full(name))
        .issuer_name(full(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**{usage: usage in granted for usage in usages}), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )
    if not is_ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
    return builder.sign(issuer_key, hashes.SHA384())


def raw_signature(key, challenge):
    """Cards hash nothing and pad nothing."""
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.private_numbers()
        modulus = numbers.public_numbers.n
        size = (modulus.bit_length() + 7) // 8
        if len(challenge) != size:
            return None
        return pow(int.from_bytes(challenge, "big"), numbers.d, modulus).to_bytes(size, "big")
    algorithm = HASHES.get(len(challenge))
    return key.sign(challenge, ec.ECDSA(utils.Prehashed(algorithm))) if algorithm else None


class Reader:
    """The card's side of vpcd's protocol: two bytes of length before every message."""

    def __init__(self, card, port):
        self.card = card
        self.link = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.link.settimeout(None)
        self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        try:
            while True:
                (size,) = struct.unpack(">H", self.receive(2))
                self.handle(self.receive(size))
        except (OSError, EOFError):
            pass
        finally:
            self.link.close()

    def handle(self, message):
        if len(message) > 1:
            self.send(self.card.transmit(message))
        elif message == b"\x04":
            self.send(ATR)
        else:
            self.card.power()

    def receive(self, count):
        data = b""
        while len(data) < count:
            # Without this the kernel waits 40 ms before it acknowledges a half of a message.
            self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            part = self.link.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def send(self, message):
        self.link.sendall(struct.pack(">H", len(message)) + message)

    def close(self):
        try:
            self.link.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def raise_loopback():
    """A new network namespace has its loopback interface down. [SIOCSIFFLAGS, IFF_UP]"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 1))


def main():
    raise_loopback()
    port, directory = int(sys.argv[1]), sys.argv[2]
    signals = {signal.SIGUSR1, signal.SIGUSR2}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    card, reader = Card(directory), None
    print("made", flush=True)
    while True:
        number = signal.sigwait(signals)
        if reader is not None:
            reader.close()
            reader = None
        if number == signal.SIGUSR1:
            reader = Reader(card, port)
        print("plugged" if reader else "unplugged", flush=True)


main()
