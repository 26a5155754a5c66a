import SigningKeys
import Testing

@testable import TokenKeys

@Suite struct EMSAPSSTests {
    @Test(arguments: [2_048, 2_049, 3_072, 8_192]) func `a block is as long as the modulus and below it`(bits: Int)
        throws
    {
        for hash in HashAlgorithm.allCases {
            let salt = [UInt8](repeating: 0xFF, count: hash.byteCount)
            let digest = hash.digest(of: [1])
            let block = try #require(EMSAPSS.encode(digest: digest, hash, salt: salt, modulusBits: bits))
            #expect(block.count == (bits + 7) / 8 && block.last == 0xBC)
            let leading = block.prefix { $0 == 0 }.count
            let used = (block.count - leading) * 8 - block[leading].leadingZeroBitCount
            #expect(used <= bits - 1)
        }
    }

    @Test func `a digest of another length, or a modulus without room, is none`() {
        #expect(EMSAPSS.encode(digest: [1], .sha256, salt: [], modulusBits: 2_048) == nil)
        let digest = HashAlgorithm.sha512.digest(of: [])
        #expect(EMSAPSS.encode(digest: digest, .sha512, salt: digest, modulusBits: 1_024) == nil)
    }
}
