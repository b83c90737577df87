import NetworkTypes

/// Part of the table of a host's flows, from a router that had it or where flows of it began to the one that has it
/// [0080] [0081]. All numbers are big-endian.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |                             Epoch                             |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |                            Number                             |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |     0       |L| Address length|    Anchors    |       0       |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |                             Realm                             |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |                Address: 4 or 16 bytes ...                     |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |    Length     | Name: 1 to 63 bytes ...          (each anchor)
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |    Anchor     |   Protocol    |          Local port           |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |                        Remote address                         |  (each flow)
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |          Remote port          |             Idle              |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |             Seen              |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
public struct Flows: Hashable, Sendable {
    /// Flows in one message at most; with them it is shorter than the longest payload whatever else it says.
    public static let mostFlows = 18_000
    /// Bytes before the address.
    private static let fixedLength = 16

    public var host: RoamingHost
    /// The host's, at the sender.
    public var epoch: UInt32
    /// 0 for the first message of a table, one more each.
    public var number: UInt32
    /// The sender's table ends with this message.
    public var isLast: Bool
    /// Names of routers that flows in this message began at.
    public var anchors: [String]
    public var flows: [FlowRecord]

    public init(
        host: RoamingHost, epoch: UInt32, number: UInt32, isLast: Bool, anchors: [String], flows: [FlowRecord]
    ) {
        self.host = host
        self.epoch = epoch
        self.number = number
        self.isLast = isLast
        self.anchors = anchors
        self.flows = flows
    }

    init(_ payload: [UInt8]) throws(RoamingMessageError) {
        guard payload.count >= Self.fixedLength, payload.count <= PeerFrameHeader.longestPayload else {
            throw .payloadLength(.flows, length: payload.count)
        }
        self = try payload.withUnsafeBytesThrowing { (raw) throws(RoamingMessageError) in try Self.read(raw) }
    }

    private static func read(_ raw: UnsafeRawBufferPointer) throws(RoamingMessageError) -> Flows {
        let epoch = raw.bigEndian(UInt32.self, at: 0)
        guard epoch != 0 else { throw .zeroEpoch(.flows) }
        let flags = raw[8]
        guard flags <= 1 else { throw .tableField(.flags, value: UInt64(flags)) }
        let addressLength = Int(raw[9])
        guard addressLength == 4 || addressLength == 16 else {
            throw .tableField(.addressLength, value: UInt64(addressLength))
        }
        let anchorCount = Int(raw[10])
        guard anchorCount <= RoamingFields.mostRouters else { throw .tableField(.anchorCount, value: UInt64(raw[10])) }
        guard raw[11] == 0 else { throw .tableField(.reserved, value: UInt64(raw[11])) }
        var offset = fixedLength + addressLength
        guard raw.count >= offset else { throw .payloadLength(.flows, length: raw.count) }
        let host = RoamingHost(
            try address(UnsafeRawBufferPointer(rebasing: raw[fixedLength..<offset])),
            realm: raw.bigEndian(UInt32.self, at: 12))
        var names: [[UInt8]] = []
        for _ in 0..<anchorCount {
            guard raw.count > offset, raw.count - offset > Int(raw[offset]) else {
                throw .payloadLength(.flows, length: raw.count)
            }
            let end = offset + 1 + Int(raw[offset])
            names.append([UInt8](raw[offset + 1..<end]))
            offset = end
        }
        let anchors = try RoamingFields.names(names, .flows)
        guard (raw.count - offset) % FlowRecord.length == 0 else { throw .payloadLength(.flows, length: raw.count) }
        let count = (raw.count - offset) / FlowRecord.length
        guard count <= mostFlows else { throw .payloadLength(.flows, length: raw.count) }
        var flows: [FlowRecord] = []
        flows.reserveCapacity(count)
        for index in 0..<count {
            let flow = FlowRecord(raw, at: offset + index * FlowRecord.length)
            guard Int(flow.anchor) < anchorCount else { throw .flowAnchor(index: index, anchor: flow.anchor) }
            guard FlowRecord.isTranslated(flow.transport) else {
                throw .flowProtocol(index: index, value: flow.transport)
            }
            flows.append(flow)
        }
        return Flows(
            host: host, epoch: epoch, number: raw.bigEndian(UInt32.self, at: 4), isLast: flags == 1, anchors: anchors,
            flows: flows)
    }

    /// An address that a host can have, each in its one form.
    private static func address(_ bytes: UnsafeRawBufferPointer) throws(RoamingMessageError) -> IPAddress {
        let address =
            bytes.count == 4
            ? IPAddress(v4: bytes.bigEndian(UInt32.self, at: 0))
            : IPAddress(high: bytes.bigEndian(UInt64.self, at: 0), low: bytes.bigEndian(UInt64.self, at: 8))
        guard address.isV4 == (bytes.count == 4), !address.isUnspecified, !address.isMulticast else {
            throw .tableField(.address, value: address.v4Bits.map(UInt64.init) ?? address.low)
        }
        return address
    }

    /// The payload.
    var encoded: [UInt8] {
        precondition(anchors.count <= RoamingFields.mostRouters && flows.count <= Self.mostFlows)
        let names = anchors.map { Array($0.utf8) }
        precondition(names.allSatisfy { (1...PeerHello.longestName).contains($0.count) })
        let length =
            Self.fixedLength + host.address.bytes.count + names.reduce(0) { $0 + 1 + $1.count }
            + flows.count * FlowRecord.length
        return [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            var writer = MessageWriter(UnsafeMutableRawBufferPointer(buffer))
            writer.put(epoch)
            writer.put(number)
            writer.put(UInt8(isLast ? 1 : 0))
            writer.put(UInt8(host.address.isV4 ? 4 : 16))
            writer.put(UInt8(anchors.count))
            writer.put(UInt8(0))
            writer.put(host.realm)
            writer.put(address: host.address)
            for name in names {
                writer.put(UInt8(name.count))
                name.withUnsafeBytes { writer.put(bytes: $0) }
            }
            for flow in flows { writer.put(flow) }
            count = writer.count
        }
    }
}

extension FlowRecord {
    /// - Parameter offset: with all of the record's bytes behind it.
    fileprivate init(_ raw: UnsafeRawBufferPointer, at offset: Int) {
        self.init(
            anchor: raw[offset], transport: raw[offset + 1], localPort: raw.bigEndian(UInt16.self, at: offset + 2),
            remote: raw.bigEndian(UInt32.self, at: offset + 4), remotePort: raw.bigEndian(UInt16.self, at: offset + 8),
            idle: raw.bigEndian(UInt16.self, at: offset + 10), seen: raw.bigEndian(UInt16.self, at: offset + 12))
    }
}

extension MessageWriter {
    fileprivate mutating func put(_ flow: FlowRecord) {
        put(flow.anchor)
        put(flow.transport)
        put(flow.localPort)
        put(flow.remote)
        put(flow.remotePort)
        put(flow.idle)
        put(flow.seen)
    }
}

extension [UInt8] {
    fileprivate func withUnsafeBytesThrowing<T>(
        _ body: (UnsafeRawBufferPointer) throws(RoamingMessageError) -> T
    ) throws(RoamingMessageError) -> T {
        let outcome = withUnsafeBytes { raw -> Result<T, RoamingMessageError> in
            do throws(RoamingMessageError) { return .success(try body(raw)) } catch { return .failure(error) }
        }
        return try outcome.get()
    }
}
