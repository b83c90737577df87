import NetworkTypes

/// Who is at the other end: the first message of both.
///
///     name | boot | epoch | router number | tunnel endpoint{0,2}
///
/// The certificate has said the name already and which addresses its holder may speak for; the session ends where the
/// hello says something else. What is new here is the run: after a restart, boot and epoch are others.
public struct PeerHello: Hashable, Sendable {
    /// Bytes of the longest hello that is read.
    public static let longest = 4096
    /// Bytes of UTF-8 of a name.
    public static let longestName = 63

    /// As in the certificate.
    public var name: String
    /// Random, of this run of the daemon.
    public var boot: UInt64
    /// Grows with each start; the one of the router's messages to nodes. Never 0.
    public var epoch: UInt32
    /// The router's number in messages to nodes.
    public var router: UInt64
    /// Where its tunnels end (oA): at most one a family.
    public var endpoints: [IPAddress]

    public init(name: String, boot: UInt64, epoch: UInt32, router: UInt64, endpoints: [IPAddress]) {
        self.name = name
        self.boot = boot
        self.epoch = epoch
        self.router = router
        self.endpoints = endpoints
    }

    public init(_ payload: [UInt8]) throws(PeerProtocolError) {
        guard payload.count <= Self.longest else {
            throw .payloadLength(type: PeerControl.hello.rawValue, length: payload.count)
        }
        var fields = Fields()
        do throws(MessageError) {
            try payload.withRawBytes { (raw) throws(MessageError) in try fields.read(raw) }
        } catch {
            throw .option(error)
        }
        guard let name = fields.name else { throw .missingOption(.hello, type: PeerOptionType.name) }
        guard let boot = fields.boot else { throw .missingOption(.hello, type: PeerOptionType.boot) }
        guard let epoch = fields.epoch else { throw .missingOption(.hello, type: PeerOptionType.epoch) }
        guard let router = fields.router else { throw .missingOption(.hello, type: PeerOptionType.router) }
        guard let text = String(validating: name, as: UTF8.self), !text.isEmpty else { throw .badName }
        guard epoch != 0 else { throw .option(.zeroEpoch) }
        self.init(name: text, boot: boot, epoch: epoch, router: router, endpoints: fields.endpoints)
    }

    private struct Fields {
        var name: [UInt8]?
        var boot: UInt64?
        var epoch: UInt32?
        var router: UInt64?
        var endpoints: [IPAddress] = []

        mutating func read(_ bytes: UnsafeRawBufferPointer) throws(MessageError) {
            var options = OptionReader(bytes, in: 0..<bytes.count)
            while let option = try options.next() {
                switch option.type {
                case PeerOptionType.name:
                    guard option.value.count <= PeerHello.longestName else {
                        throw .optionLength(type: option.type, length: option.value.count)
                    }
                    try name.setOnce([UInt8](option.value), option)
                case PeerOptionType.boot: try boot.setOnce(try option.u64(), option)
                case PeerOptionType.epoch: try epoch.setOnce(try option.u32(), option)
                case PeerOptionType.router: try router.setOnce(try option.u64(), option)
                case OptionType.endpoint: try option.endpoint(into: &endpoints)
                default: try option.skip()
                }
            }
        }
    }

    /// The payload.
    public var encoded: [UInt8] {
        withUnsafeTemporaryAllocation(byteCount: Self.longest, alignment: 8) { buffer in
            var writer = MessageWriter(buffer)
            writer.option(PeerOptionType.name, length: name.utf8.count)
            Array(name.utf8).withUnsafeBytes { writer.put(bytes: $0) }
            writer.option(PeerOptionType.boot, u64: boot)
            writer.option(PeerOptionType.epoch, u32: epoch)
            writer.option(PeerOptionType.router, u64: router)
            writer.endpoints(endpoints)
            return [UInt8](writer.written)
        }
    }
}

extension OptionView {
    fileprivate func u64() throws(MessageError) -> UInt64 {
        try requireLength(8)
        return value.bigEndian(UInt64.self, at: 0)
    }
}

extension MessageWriter {
    fileprivate mutating func option(_ type: UInt16, u64 value: UInt64) {
        option(type, length: 8)
        put(value)
    }
}
