import AnchorCore
import Logging
import NetworkTypes

/// A report of a host that roams, in words.
struct RoamingNews {
    var kind: String
    var level: Logger.Level
    var text: String
    var fields: [String: String]

    init(_ report: RoamingReport) {
        func milliseconds(_ span: TimeSpan) -> String { "\(span.nanoseconds / 1_000_000) ms" }
        switch report {
        case .claimed(let host):
            self.init("roaming-claimed", .debug, "\(host) is here; its former router is being asked for", host)
        case .settled(let host, let epoch, let from, let after):
            self.init(
                "roaming-settled", .info,
                from.map { "\(host) has come from \($0), known after \(milliseconds(after))" } ?? "\(host) is new",
                host, ["epoch": "\(epoch)", "from": from ?? ""])
        case .whole(let host, let epoch, let anchors, let after):
            self.init(
                "roaming-whole", .info,
                "all flows of \(host) are known after \(milliseconds(after))"
                    + (anchors.isEmpty ? "" : "; some began at \(anchors.sorted().joined(separator: ", "))"), host,
                ["epoch": "\(epoch)", "anchors": anchors.sorted().joined(separator: " ")])
        case .handedOver(let host, let epoch, let to):
            self.init(
                "roaming-handed-over", .info, "\(host) has moved to \(to)", host, ["epoch": "\(epoch)", "to": to])
        case .followed(let host, let epoch, let to):
            self.init(
                "roaming-followed", .info, "\(host), of which flows began here, is at \(to) now", host,
                ["epoch": "\(epoch)", "to": to])
        case .transferred(let host, let epoch, let to, let after):
            self.init(
                "roaming-transferred", .info, "\(to) has all flows of \(host), after \(milliseconds(after))", host,
                ["epoch": "\(epoch)", "to": to])
        case .released(let host, let router):
            self.init(
                "roaming-released", .info, "no flow of \(host) is left at \(router)", host, ["router": router])
        case .forgotten(let host):
            self.init("roaming-forgotten", .info, "\(host) is elsewhere, and none of its flows is left here", host)
        case .gone(let host): self.init("roaming-gone", .info, "\(host) is nowhere any more", host)
        case .leaseEnded(let host, let router):
            self.init(
                "roaming-lease-ended", .notice, "\(router) can't be reached: what it has of \(host) is given up", host,
                ["router": router])
        case .refused(let host, let cause, let from):
            self.init(
                "roaming-refused", .notice, "a message of \(from) about \(host) was refused: \(cause.rawValue)", host,
                ["cause": cause.rawValue, "from": from])
        }
    }

    private init(
        _ kind: String, _ level: Logger.Level, _ text: String, _ host: IPAddress, _ fields: [String: String] = [:]
    ) {
        self.kind = kind
        self.level = level
        self.text = text
        self.fields = fields.merging(["address": "\(host)"]) { own, _ in own }
    }
}
