import AnchorProtocol
import NetworkTypes

/// What the dissector should show of a message, written down from the message itself.
struct ExpectedFields {
    private(set) var values: [String: [String]] = [:]

    static let names =
        [
            "type", "length", "spi", "epoch", "sequence", "sender", "recipient", "flags.ipv4", "flags.ipv6",
            "flags.attached", "in_reply_to.epoch", "in_reply_to.sequence", "address", "address6", "care_of", "care_of6",
            "endpoint", "endpoint6", "previous", "previous6", "link_address", "tunnel.kind", "tunnel.sequenced",
            "tunnel.key", "lifetime", "interval", "capabilities", "prefix.length", "prefix", "prefix6",
            "lease.lifetime",
            "lease.prefix_length", "lease.address", "lease.address6", "lease.gateway", "lease.gateway6", "mtu",
            "gre_key",
            "error.code", "error.detail", "view.epoch", "view.sequence", "text", "authenticator",
        ].map { "flowanchor." + $0 } + ["_ws.malformed", "_ws.expert"]

    /// One line of tshark's.
    var line: [String] { Self.names.map { (values[$0] ?? []).joined(separator: ";") } }

    init(_ message: AnchorMessage, _ bytes: [UInt8]) {
        let header = message.header
        add("type", "\(message.body.type.rawValue)")
        add("length", "\(bytes.count)")
        add("spi", "\(header.spi)")
        add("epoch", "\(header.epoch)")
        add("sequence", "\(header.sequence)")
        add("sender", "\(header.sender)")
        add("recipient", "\(header.recipient)")
        if header.spi != 0 { add("authenticator", hexText(bytes.suffix(32))) }
        if let reference = message.body.inReplyTo { add("in_reply_to", reference) }
        switch message.body {
        case .solicit: break
        case .advertise(let body): add(body)
        case .attachRequest(let body): add(body)
        case .attachReply(let body): add(body)
        case .locationUpdate(let body): add(body)
        case .locationAck(let body):
            add("address", body.address)
            if let tunnel = body.tunnel { add(tunnel) }
            add("lifetime", "\(body.lifetime)")
        case .release(let body): add("address", body.address)
        case .releaseAck(let body): add("address", body.address)
        case .error(let body):
            add("error.code", "\(body.code.rawValue)")
            add("error.detail", "0x" + padded(UInt32(body.detail), 4))
            if let view = body.receiverView { add("view", view) }
            if !body.text.isEmpty { add("text", body.text) }
        }
    }

    private mutating func add(_ body: Advertise) {
        add("lifetime", "\(body.lifetime)")
        add("interval", "\(body.interval)")
        add("capabilities", "0x" + padded(body.capabilities.rawValue, 8))
        for endpoint in body.endpoints { add("endpoint", endpoint) }
        for prefix in body.prefixes {
            add("prefix.length", "\(prefix.length)")
            add("prefix", prefix.address)
        }
    }

    private mutating func add(_ body: AttachRequest) {
        add("flags.ipv4", body.families.contains(.v4) ? "1" : "0")
        add("flags.ipv6", body.families.contains(.v6) ? "1" : "0")
        add("link_address", "\(body.linkAddress)")
        add("lifetime", "\(body.lifetime)")
        for address in body.previousAddresses { add("previous", address) }
    }

    private mutating func add(_ body: AttachReply) {
        add("mtu", "\(body.mtu)")
        add("gre_key", "0x" + padded(body.greKey, 8))
        add("capabilities", "0x" + padded(body.capabilities.rawValue, 8))
        for endpoint in body.endpoints { add("endpoint", endpoint) }
        for lease in body.leases {
            add("lease.lifetime", "\(lease.lifetime)")
            add("lease.prefix_length", "\(lease.prefixLength)")
            add("lease.address", lease.address)
            add("lease.gateway", lease.gateway)
        }
    }

    private mutating func add(_ body: LocationUpdate) {
        add("address", body.address)
        add("flags.attached", body.location.linkAddress == nil ? "0" : "1")
        if let careOf = body.location.careOf { add("care_of", careOf) }
        if let tunnel = body.location.tunnel { add(tunnel) }
        if let linkAddress = body.location.linkAddress { add("link_address", "\(linkAddress)") }
        add("lifetime", "\(body.lifetime)")
    }

    private mutating func add(_ tunnel: TunnelParameters) {
        switch tunnel {
        case .ipInIP:
            add("tunnel.kind", "1")
            add("tunnel.sequenced", "0")
            add("tunnel.key", "0x00000000")
        case .gre(let key, let sequenced):
            add("tunnel.kind", "2")
            add("tunnel.sequenced", sequenced ? "1" : "0")
            add("tunnel.key", "0x" + padded(key, 8))
        }
    }

    private mutating func add(_ name: String, _ address: IPAddress) {
        add(address.isV4 ? name : name + "6", address.description)
    }

    private mutating func add(_ name: String, _ reference: MessageReference) {
        add(name + ".epoch", "\(reference.epoch)")
        add(name + ".sequence", "\(reference.sequence)")
    }

    private mutating func add(_ name: String, _ value: String) {
        values["flowanchor." + name, default: []].append(value)
    }

    private func padded(_ value: UInt32, _ digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: digits - text.count) + text
    }
}
