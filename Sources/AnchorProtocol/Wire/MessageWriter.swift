import NetworkTypes

/// Puts a message together in memory of its user's. Running over the end is a bug and traps: what a message may hold is
/// bounded so that it cannot.
struct MessageWriter {
    private let buffer: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(_ buffer: UnsafeMutableRawBufferPointer) { self.buffer = buffer }

    var written: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: buffer[..<count]) }

    @inline(__always)
    mutating func put<T: FixedWidthInteger>(_ value: T) {
        precondition(count &+ MemoryLayout<T>.size <= buffer.count)
        buffer.storeBytes(of: value.bigEndian, toByteOffset: count, as: T.self)
        count &+= MemoryLayout<T>.size
    }

    @inline(__always)
    mutating func put<T: FixedWidthInteger>(_ value: T, at offset: Int) {
        precondition(offset &+ MemoryLayout<T>.size <= count)
        buffer.storeBytes(of: value.bigEndian, toByteOffset: offset, as: T.self)
    }

    mutating func put(bytes: UnsafeRawBufferPointer) {
        precondition(count &+ bytes.count <= buffer.count)
        UnsafeMutableRawBufferPointer(rebasing: buffer[count...]).copyMemory(from: bytes)
        count &+= bytes.count
    }

    mutating func put(zeros length: Int) {
        precondition(count &+ length <= buffer.count)
        for index in count..<count + length { buffer[index] = 0 }
        count &+= length
    }

    mutating func put(address: IPAddress) {
        if let bits = address.v4Bits {
            put(bits)
        } else {
            put(address.high)
            put(address.low)
        }
    }

    // MARK: Options

    mutating func option(_ type: UInt16, length: Int) {
        put(type)
        put(UInt16(length))
    }

    mutating func option(_ type: UInt16, u16 value: UInt16) {
        option(type, length: 2)
        put(value)
    }

    mutating func option(_ type: UInt16, u32 value: UInt32) {
        option(type, length: 4)
        put(value)
    }

    mutating func option(_ type: UInt16, reference: MessageReference) {
        option(type, length: 8)
        put(reference.epoch)
        put(reference.sequence)
    }

    mutating func option(_ type: UInt16, address: IPAddress) {
        option(type, length: address.isV4 ? 4 : 16)
        put(address: address)
    }

    mutating func option(_ type: UInt16, mac: MACAddress) {
        option(type, length: 6)
        put(UInt16(truncatingIfNeeded: mac.bits >> 32))
        put(UInt32(truncatingIfNeeded: mac.bits))
    }

    /// Padding, so that the message has at least `length` bytes when `trailer` more follow. An option cannot have less
    /// than four bytes, so it may become up to three longer.
    mutating func pad(to length: Int, trailer: Int) {
        let missing = length - trailer - count
        guard missing > 0 else { return }
        let value = max(0, missing - 4)
        option(OptionType.padding, length: value)
        put(zeros: value)
    }
}
