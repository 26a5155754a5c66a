import Codecs
import Files
import Foundation
import Testing

@testable import RegistryClient

@Suite struct RegistryPartsTests {
    @Test(arguments: ["localhost", "localhost:5000", "127.0.0.1", "127.9.9.9:80", "[::1]", "[::1]:5000"])
    func `plain HTTP goes to this machine`(_ host: String) throws {
        #expect(try RegistryAddress(registry: host, plain: .loopback).url("/v2/") == "http://\(host)/v2/")
    }

    @Test(arguments: [
        "example.com", "10.0.0.1", "localhost.example.com", "127.0.0.1.example.com", "[::2]", "127.0.0", "127.0.0.256",
    ])
    func `plain HTTP goes nowhere else`(_ host: String) {
        #expect(throws: RegistryError(.address, "")) { try RegistryAddress(registry: host, plain: .loopback) }
    }

    @Test func `an address is https unless plain HTTP was asked for`() throws {
        #expect(try RegistryAddress(registry: "localhost:5000", plain: .refused).scheme == "https")
        #expect(throws: RegistryError(.address, "")) {
            try RegistryAddress.check("http://localhost:5000/token", plain: .refused, what: "it")
        }
        #expect(throws: RegistryError(.address, "")) {
            try RegistryAddress.check("http://localhost@example.com/", plain: .loopback, what: "it")
        }
    }

    @Test(arguments: [
        "http://127.0.0.1:80@example.com/token", "http://[::1]@example.com/", "http://[::1]example.com/",
        "http://localhost:80x/", "http://localhost:80:90/", "http://127.0.0.1\\@example.com/", "https://a@example.com/",
        "https:///token", "http://localhost\u{9}.example.com/",
    ])
    func `an address that hides its host is not taken`(_ url: String) {
        #expect(throws: RegistryError(.address, "")) {
            try RegistryAddress.check(url, plain: .loopback, what: "it")
        }
    }

    @Test func `a challenge is read with commas inside quotes`() {
        let header = #"Bearer realm="https://auth.example.com/token",service="reg",scope="repository:a/b:pull,push""#
        #expect(
            RegistryChallenge(header)
                == .bearer(realm: "https://auth.example.com/token", service: "reg", scope: "repository:a/b:pull,push"))
        #expect(RegistryChallenge(#"Basic realm="x""#) == .basic)
        #expect(RegistryChallenge("Bearer service=reg") == nil)
        #expect(RegistryChallenge("Negotiate") == nil)
    }

    @Test func `credentials are those of the registry that is named, in both old and new form`() async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).json").path
        defer { try? Files.remove(file) }
        try Files.write(
            Array(
                #"{"auths":{"https://old.example.com/v1/":{"auth":"YTpi"},"new.example.com:5000":{"auth":"Yzpk"}}}"#
                    .utf8),
            to: file)
        let credentials = try RegistryCredentials(file: file)
        #expect(try await credentials.credential(for: "old.example.com") == .password("YTpi"))
        #expect(try await credentials.credential(for: "new.example.com:5000") == .password("Yzpk"))
        #expect(try await credentials.credential(for: "new.example.com") == nil)
        try Files.write(Array("{".utf8), to: file)
        #expect(throws: RegistryError(.credentials, "")) { try RegistryCredentials(file: file) }
    }
}
