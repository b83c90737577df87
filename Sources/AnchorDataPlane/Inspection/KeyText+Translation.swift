import FlowAnchorABI
import NetworkTypes

extension KeyText {
    /// `up,tcp,10.0.0.1:5000,203.0.113.9:80`: kind, protocol, local and remote side. Where the remote address or port
    /// is none of the key, it is 0.
    static func translation(_ key: fa_nat_key) -> String {
        let kind = NATKind.names[UInt32(key.kind)] ?? "\(key.kind)"
        return "\(kind),\(flow(FlowKey(key)))" + (key.realm == 0 ? "" : "@\(key.realm)")
    }

    /// - Parameter text: as above, or a flow without its kind: both of its directions where that is one of them, or an
    ///   address: all that has it on its local side.
    static func translation(_ text: String) throws(DataPlaneError) -> (fa_nat_key) -> Bool {
        let parts = text.split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 1 {
            let address = try address(text)
            return { FlowKey($0).local == address }
        }
        guard let kind = NATKind.names.first(where: { $0.value == parts[0] })?.key else {
            let wanted = try flow(text)
            return { FlowKey($0) == wanted }
        }
        let wanted = try flow(String(parts[1]))
        return { UInt32($0.kind) == kind && FlowKey($0) == wanted }
    }

    /// `192.0.2.1` or `192.0.2.1:1024`: an outside address, and a port if the text has one.
    static func outside(_ text: String) throws(DataPlaneError) -> (address: IPAddress, port: UInt16?) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let address = try address(parts[0])
        guard parts.count == 2 else { return (address, nil) }
        guard let port = UInt16(parts[1]) else { throw .invalid("'\(parts[1])' is no port") }
        return (address, port)
    }
}

extension FlowKey {
    init(_ key: fa_nat_key) {
        self.init(
            local: IPAddress(v4: UInt32(bigEndian: key.local_be)), localPort: UInt16(bigEndian: key.local_port_be),
            remote: IPAddress(v4: UInt32(bigEndian: key.remote_be)), remotePort: UInt16(bigEndian: key.remote_port_be),
            transport: key.`protocol`)
    }
}
