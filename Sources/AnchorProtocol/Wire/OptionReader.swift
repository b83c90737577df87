import NetworkTypes

/// Walks the options of a message, one after the other.
///
///     +-------------------------------+-------------------------------+
///     |C|           Type              |            Length             |
///     +-------------------------------+-------------------------------+
///     |  Value: `length` bytes ...
///
/// The bytes are borrowed: a reader must not outlive the call that was given them.
struct OptionReader {
    private let bytes: UnsafeRawBufferPointer
    private var offset: Int
    private let end: Int

    /// - Parameter range: where in the message its options are; lies within `bytes`.
    init(_ bytes: UnsafeRawBufferPointer, in range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        self.bytes = bytes
        offset = range.lowerBound
        end = range.upperBound
    }

    /// The next option, `nil` at the end.
    mutating func next() throws(MessageError) -> OptionView? {
        guard offset < end else { return nil }
        guard end - offset >= 4 else { throw .truncatedOptionHeader(offset: offset) }
        let type = bytes.bigEndian(UInt16.self, at: offset)
        let length = Int(bytes.bigEndian(UInt16.self, at: offset + 2))
        let start = offset + 4
        guard length <= end - start else {
            throw .truncatedOption(type: type, stated: length, available: end - start)
        }
        offset = start + length
        return OptionView(type: type, value: UnsafeRawBufferPointer(rebasing: bytes[start..<start + length]))
    }
}

/// One option; each accessor checks its length.
struct OptionView {
    let type: UInt16
    let value: UnsafeRawBufferPointer

    /// An option that the message does not know.
    func skip() throws(MessageError) {
        guard type & OptionType.critical == 0 else { throw .unknownCriticalOption(type: type) }
    }

    func requireLength(_ length: Int) throws(MessageError) {
        guard value.count == length else { throw .optionLength(type: type, length: value.count) }
    }

    func u16() throws(MessageError) -> UInt16 {
        try requireLength(2)
        return value.bigEndian(UInt16.self, at: 0)
    }

    func u32() throws(MessageError) -> UInt32 {
        try requireLength(4)
        return value.bigEndian(UInt32.self, at: 0)
    }

    func reference() throws(MessageError) -> MessageReference {
        try requireLength(8)
        return MessageReference(
            epoch: value.bigEndian(UInt32.self, at: 0), sequence: value.bigEndian(UInt32.self, at: 4))
    }

    func address() throws(MessageError) -> IPAddress { try address(at: 0, length: value.count) }

    /// 4 bytes of IPv4 or 16 of IPv6; an IPv4 address in 16 bytes is refused, so that each has one form.
    func address(at offset: Int, length: Int) throws(MessageError) -> IPAddress {
        switch length {
        case 4:
            return IPAddress(v4: value.bigEndian(UInt32.self, at: offset))
        case 16:
            let address = IPAddress(
                high: value.bigEndian(UInt64.self, at: offset), low: value.bigEndian(UInt64.self, at: offset + 8))
            guard !address.isV4 else { throw .optionValue(type: type, value: address.low) }
            return address
        default:
            throw .optionLength(type: type, length: value.count)
        }
    }

    /// An address that a host can have: neither unspecified nor a group's.
    func hostAddress() throws(MessageError) -> IPAddress {
        let address = try address()
        guard !address.isUnspecified, !address.isMulticast else {
            throw .optionValue(type: type, value: address.v4Bits.map(UInt64.init) ?? address.low)
        }
        return address
    }
}

extension Optional {
    /// Stores the value of an option that may come once.
    mutating func setOnce(_ value: Wrapped, _ option: OptionView) throws(MessageError) {
        guard self == nil else { throw .duplicateOption(type: option.type) }
        self = value
    }

    /// The value of an option that must come.
    func required(_ option: UInt16, of message: MessageType) throws(MessageError) -> Wrapped {
        guard let self else { throw .missingOption(message, type: option) }
        return self
    }
}

extension UnsafeRawBufferPointer {
    /// The big-endian number at that byte. Bounds are checked in release builds too.
    @inline(__always)
    func bigEndian<T: FixedWidthInteger>(_: T.Type, at offset: Int) -> T {
        precondition(offset >= 0 && offset &+ MemoryLayout<T>.size <= count)
        return T(bigEndian: loadUnaligned(fromByteOffset: offset, as: T.self))
    }
}
