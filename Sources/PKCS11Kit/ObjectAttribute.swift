internal import CPKCS11

/// One attribute of an object in a template.
struct ObjectAttribute {
    let type: CK_ATTRIBUTE_TYPE
    let value: [UInt8]

    static func bytes(_ type: some BinaryInteger, _ value: [UInt8]) -> ObjectAttribute {
        ObjectAttribute(type: CK_ATTRIBUTE_TYPE(type), value: value)
    }

    static func flag(_ type: some BinaryInteger, _ value: Bool) -> ObjectAttribute {
        ObjectAttribute(type: CK_ATTRIBUTE_TYPE(type), value: [value ? 1 : 0])
    }

    static func number(_ type: some BinaryInteger, _ value: some BinaryInteger) -> ObjectAttribute {
        let number = CK_ULONG(value)
        let bytes = (0..<MemoryLayout<CK_ULONG>.size).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
        return ObjectAttribute(type: CK_ATTRIBUTE_TYPE(type), value: bytes)
    }

    /// Lays a template out in memory for one call; each value begins where a number may begin.
    static func withTemplate<Result>(
        _ attributes: [ObjectAttribute], _ body: (UnsafeMutablePointer<CK_ATTRIBUTE>?, CK_ULONG) -> Result
    ) -> Result {
        let stride = 16
        var offsets: [Int] = []
        var size = 0
        for attribute in attributes {
            offsets.append(size)
            size += (attribute.value.count + stride - 1) / stride * stride
        }
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(size, stride), alignment: stride)
        defer { unsafe memory.deallocate() }
        var template = unsafe zip(attributes, offsets).map { attribute, offset in
            unsafe memory[offset...].copyBytes(from: attribute.value)
            return unsafe CK_ATTRIBUTE(
                type: attribute.type, pValue: memory.baseAddress.map { unsafe $0 + offset },
                ulValueLen: CK_ULONG(attribute.value.count))
        }
        return unsafe template.withUnsafeMutableBufferPointer { unsafe body($0.baseAddress, CK_ULONG($0.count)) }
    }
}
