import NetworkTypes

/// Records as bytes, for a journal that takes tens of thousands a second. Big-endian; framing and checksums are the
/// journal's.
///
///     host     1 | address 16 | node 8 | epoch 4 | sequence 4 | link 4 | flags 1 | MAC 8 | interface 4
///                | local 16 | peer 16 | GRE key 4
///     removed  2 | address 16 | node 8 | epoch 4 | sequence 4
///     node     3 | node 8 | epoch 4 | sequence 4
///
/// Flags: 1 attached, 2 tunnelled, 4 GRE, 8 sequenced, 16 both copies are sent.
extension AccessRouterRecord {
    /// Bytes of the longest record.
    public static let longestEncoding = 86

    /// Appends the record.
    public func encode(into bytes: inout [UInt8]) {
        switch self {
        case .host(let host):
            bytes.append(1)
            bytes.put(host.address)
            bytes.put(host.node)
            bytes.put(host.order)
            bytes.put(host.link.number)
            bytes.put(host.location)
        case .removed(let address, let node, let order):
            bytes.append(2)
            bytes.put(address)
            bytes.put(node)
            bytes.put(order)
        case .node(let node, let order):
            bytes.append(3)
            bytes.put(node)
            bytes.put(order)
        }
    }

    /// Reads one record, all of the bytes; `nil` where they are none.
    public init?(bytes: some Collection<UInt8>) {
        guard let record = Array(bytes).withUnsafeBytes({ AccessRouterRecord($0) }) else { return nil }
        self = record
    }

    /// Reads one record, all of the bytes; `nil` where they are none.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        var reader = RecordReader(bytes)
        guard let record = reader.record(), reader.isAtEnd else { return nil }
        self = record
    }
}

extension [UInt8] {
    fileprivate mutating func put<T: FixedWidthInteger>(_ value: T) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }

    fileprivate mutating func put(_ address: IPAddress) {
        put(address.high)
        put(address.low)
    }

    fileprivate mutating func put(_ order: MessageOrder) {
        put(order.epoch)
        put(order.sequence)
    }

    fileprivate mutating func put(_ location: HostLocation) {
        let neighbour = location.neighbour
        let tunnel = location.tunnel
        var flags: UInt8 = (neighbour == nil ? 0 : 1) | (tunnel == nil ? 0 : 2)
        var key: UInt32 = 0
        if case .gre(let greKey, let sequenced)? = tunnel?.kind {
            flags |= sequenced ? 12 : 4
            key = greKey
        }
        if case .both(_, _, bicast: true) = location { flags |= 16 }
        append(flags)
        put(neighbour?.mac.bits ?? 0)
        put(neighbour?.interface.number ?? 0)
        put(tunnel?.local ?? .anyV6)
        put(tunnel?.peer ?? .anyV6)
        put(key)
    }
}

private struct RecordReader {
    private let bytes: UnsafeRawBufferPointer
    private var place = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { place == bytes.count }

    @inline(__always)
    mutating func number<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type) -> T? {
        guard bytes.count - place >= MemoryLayout<T>.size else { return nil }
        defer { place += MemoryLayout<T>.size }
        return T(bigEndian: bytes.loadUnaligned(fromByteOffset: place, as: T.self))
    }

    mutating func address() -> IPAddress? {
        guard let high = number(UInt64.self), let low = number(UInt64.self) else { return nil }
        return IPAddress(high: high, low: low)
    }

    mutating func order() -> MessageOrder? {
        guard let epoch = number(UInt32.self), let sequence = number(UInt32.self) else { return nil }
        return MessageOrder(epoch: epoch, sequence: sequence)
    }

    mutating func record() -> AccessRouterRecord? {
        switch number(UInt8.self) {
        case 1:
            guard let address = address(), let node = number(UInt64.self), let order = order(),
                let link = number(UInt32.self), let location = location()
            else { return nil }
            return .host(
                HostRecord(address: address, node: node, order: order, location: location, link: InterfaceID(link)))
        case 2:
            guard let address = address(), let node = number(UInt64.self), let order = order() else { return nil }
            return .removed(address: address, node: node, order: order)
        case 3:
            guard let node = number(UInt64.self), let order = order() else { return nil }
            return .node(node, order)
        default: return nil
        }
    }

    private mutating func location() -> HostLocation? {
        guard let flags = number(UInt8.self), let mac = number(UInt64.self), let interface = number(UInt32.self),
            let local = address(), let peer = address(), let key = number(UInt32.self), flags < 32
        else { return nil }
        let neighbour = Neighbour(mac: MACAddress(bits: mac), interface: InterfaceID(interface))
        let kind: TunnelKind = flags & 4 == 0 ? .ipInIP : .gre(key: key, sequenced: flags & 8 != 0)
        let tunnel = Tunnel(local: local, peer: peer, kind: kind)
        switch flags & 3 {
        case 1: return .attached(neighbour)
        case 2: return .tunnelled(tunnel)
        case 3: return .both(neighbour, tunnel, bicast: flags & 16 != 0)
        default: return nil
        }
    }
}
