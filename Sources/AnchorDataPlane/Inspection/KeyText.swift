import NetworkTypes

/// How keys of maps are written and read. None has a space in it.
enum KeyText {
    /// - Throws: `invalid`, naming what is expected.
    static func address(_ text: some StringProtocol) throws(DataPlaneError) -> IPAddress {
        guard let address = IPAddress(String(text)) else { throw .invalid("'\(text)' is not an IP address") }
        return address
    }

    static func number(_ text: some StringProtocol, of what: String) throws(DataPlaneError) -> Int {
        guard let number = Int(String(text)), number >= 0 else {
            throw .invalid("'\(text)' is not the number of \(what)")
        }
        return number
    }

    /// The only entry of a map with one.
    static func only(_ text: String) throws(DataPlaneError) {
        guard text == single else { throw .invalid("the only entry of this map is \(single)") }
    }

    static let single = "0"

    // MARK: Hosts

    /// `10.0.0.1`, with its realm `10.0.0.1@9` where that isn't 0.
    static func host(_ key: HostKey) -> String { key.realm == 0 ? "\(key.address)" : "\(key.address)@\(key.realm)" }

    /// - Returns: the address, and the realm if the text has one: without, hosts of any realm are meant.
    static func host(_ text: String) throws(DataPlaneError) -> (address: IPAddress, realm: UInt32?) {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        let address = try address(parts[0])
        guard parts.count == 2 else { return (address, nil) }
        guard let realm = UInt32(parts[1]) else { throw .invalid("'\(parts[1])' is not the number of a realm") }
        return (address, realm)
    }

    // MARK: Processors

    static func processor(_ number: Int) -> String { "cpu\(number)" }

    static func processor(_ text: String) throws(DataPlaneError) -> Int {
        guard text.hasPrefix("cpu") else { throw .invalid("'\(text)' is no processor: write cpu0") }
        return try number(text.dropFirst(3), of: "a processor")
    }

    // MARK: Flows

    /// `tcp,10.0.0.1:5000,203.0.113.9:80`, from this node to its correspondent; IPv6 addresses are in brackets.
    static func flow(_ key: FlowKey) -> String {
        func end(_ address: IPAddress, _ port: UInt16) -> String {
            address.isV4 ? "\(address):\(port)" : "[\(address)]:\(port)"
        }
        return "\(transport(key.transport)),\(end(key.local, key.localPort)),\(end(key.remote, key.remotePort))"
    }

    static func flow(_ text: String) throws(DataPlaneError) -> FlowKey {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        guard parts.count == 3 else {
            throw .invalid("'\(text)' is no flow: write tcp,ADDRESS:PORT,CORRESPONDENT:PORT, IPv6 in brackets")
        }
        let local = try end(parts[1])
        let remote = try end(parts[2])
        return FlowKey(
            local: local.0, localPort: local.1, remote: remote.0, remotePort: remote.1,
            transport: try transport(parts[0]))
    }

    private static func end(_ text: Substring) throws(DataPlaneError) -> (IPAddress, UInt16) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw .invalid("'\(text)' has no port at its end")
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        return (try address(host), port)
    }

    private static let transports: KeyValuePairs<UInt8, String> = [1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6"]

    /// The name of an IP protocol, or its number.
    static func transport(_ number: UInt8) -> String {
        transports.first { $0.key == number }?.value ?? "\(number)"
    }

    private static func transport(_ text: Substring) throws(DataPlaneError) -> UInt8 {
        if let known = transports.first(where: { $0.value == text }) { return known.key }
        guard let number = UInt8(text) else { throw .invalid("'\(text)' is no transport: tcp, udp, or a number") }
        return number
    }
}
