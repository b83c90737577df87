import ControlAPI
import Foundation

extension HostModel: TableRow {
    static var columns: [String] {
        ["oMN", "nMN", "NODE", "PLACE", "TUNNEL", "LINK", "CHAIN", "IDLE", "EXPIRES"]
    }

    var cells: [String] {
        let how = tunnel.map { $0 + (key.map { " key \($0)" } ?? "") + (sequenced == true ? " seq" : "") }
        let link = interface.map { $0 + (mac.map { " \($0)" } ?? "") }
        return [
            "\(address)", careOf.map { "\($0)" } ?? "-", "\(node)", place.rawValue, how ?? "-", link ?? "-",
            chain ?? "-", idle.seconds, expiresIn.seconds,
        ]
    }
}

extension FlowModel: TableRow {
    static var columns: [String] {
        ["oAR", "CN", "MN", "PROTOCOL", "PORTS", "STATE", "IDLE", "SENT", "RECEIVED"]
    }

    var cells: [String] {
        [
            anchor.map { "\($0)" } ?? "-", "\(correspondent)", "\(address)", transport, "\(port) \(correspondentPort)",
            state, Optional(idle).seconds, "\(packetsSent) (\(bytesSent) B)", "\(packetsReceived) (\(bytesReceived) B)",
        ]
    }
}

extension AnchorModel: TableRow {
    static var columns: [String] { ["MN", "oAR", "ROUTER", "PATH", "CARE-OF", "LINK", "FLOWS", "PREFERRED"] }

    var cells: [String] {
        [
            "\(address)", "\(anchor)", "\(router)", path, careOf.map { "\($0)" } ?? "-", interface ?? "-", "\(flows)",
            preferred ? "yes" : "no",
        ]
    }
}

extension ServerModel: TableRow {
    static var columns: [String] { ["NAME", "KIND", "INTERFACES", "STATE", "LINK", "MARK", "WHEN DOWN", "CHAIN"] }

    var cells: [String] {
        [
            name, kind, interfaces.joined(separator: " "), isUp ? "up" : "down", areLegsUp ? "up" : "down",
            isMarkedDown ? "down" : "-", whenDown, chain,
        ]
    }
}

extension MapModel: TableRow {
    static var columns: [String] { ["NAME", "TYPE", "KEY", "VALUE", "CAPACITY", "ENTRIES", "FILL"] }

    var cells: [String] {
        [
            name, type, "\(keySize) B", "\(valueSize) B", "\(capacity)", entries.map(String.init) ?? "-",
            fill.map { String(format: "%.1f %%", $0 * 100) } ?? "-",
        ]
    }
}

extension MapEntryModel: TableRow {
    static var columns: [String] { ["KEY", "FIELDS"] }

    var cells: [String] {
        [key, fields.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")]
    }
}

extension ReasonModel: TableRow {
    static var columns: [String] { ["REASON", "KIND", "PACKETS", "MEANING"] }

    var cells: [String] { [reason, kind, "\(packets)", meaning] }
}

extension InterfaceModel: TableRow {
    static var columns: [String] { ["INTERFACE", "ROLE", "PROGRAM", "MTU", "STATE"] }

    var cells: [String] { [name, role, mode, "\(mtu)", isUp ? "up" : "down"] }
}

extension EventModel: TableRow {
    static var columns: [String] { ["TIME", "KIND", "WHAT"] }

    var cells: [String] {
        let moment = Date(timeIntervalSince1970: time)
        return [moment.formatted(.iso8601.time(includingFractionalSeconds: true)), kind, text]
    }
}

extension Double? {
    /// `12.3 s`, or a dash.
    var seconds: String { map { String(format: "%.1f s", $0) } ?? "-" }
}
