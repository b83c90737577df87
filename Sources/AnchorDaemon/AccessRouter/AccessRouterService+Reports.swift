import AnchorCore
import Logging
import NetworkTypes

extension AccessRouterService {
    /// News to the log, the counters and whoever watches.
    func tell(_ report: AccessRouterReport) {
        let news = describe(report)
        counters.count(news.kind)
        logger.log(level: news.level, "\(news.text)", metadata: news.fields.mapValues { "\($0)" })
        events.tell(news.kind, news.text, news.fields)
    }

    private struct News {
        var kind: String
        var level: Logger.Level
        var text: String
        var fields: [String: String]
    }

    private func describe(_ report: AccessRouterReport) -> News {
        switch report {
        case .attached(let node, let address, let interface):
            let name = interfaceName(interface)
            return News(
                kind: "attached", level: .info, text: "node \(node) attached on \(name) as \(address)",
                fields: ["node": "\(node)", "address": "\(address)", "interface": name])
        case .moved(let node, let address, let location):
            return News(
                kind: "moved", level: .info, text: "\(address) of node \(node) is \(describe(location))",
                fields: ["node": "\(node)", "address": "\(address)", "location": describe(location)])
        case .released(let node, let address):
            return News(
                kind: "released", level: .info, text: "node \(node) released \(address)",
                fields: ["node": "\(node)", "address": "\(address)"])
        case .expired(let node, let address, let cause):
            return News(
                kind: "expired", level: .info, text: "\(address) of node \(node) expired (\(cause.rawValue))",
                fields: ["node": "\(node)", "address": "\(address)", "cause": cause.rawValue])
        case .deleted(let node, let address):
            return News(
                kind: "deleted", level: .notice, text: "\(address) of node \(node) was deleted by an operator",
                fields: ["node": "\(node)", "address": "\(address)"])
        case .refused(let node, let source, let cause):
            var fields = ["source": "\(source)", "cause": cause.rawValue]
            if let node { fields["node"] = "\(node)" }
            return News(
                kind: "refused", level: .debug, text: "message from \(source) refused: \(cause.rawValue)",
                fields: fields)
        case .quotaReached(let node):
            return News(
                kind: "quota-reached", level: .warning, text: "node \(node) has as many hosts as it may",
                fields: ["node": "\(node)"])
        case .poolExhausted(let interface, let family):
            let name = interfaceName(interface)
            return News(
                kind: "pool-exhausted", level: .warning, text: "no IP\(family) address is free on \(name)",
                fields: ["interface": name, "family": "\(family)"])
        case .persistFailed(let node, let address):
            return News(
                kind: "persist-failed", level: .error,
                text: "a change of \(address) of node \(node) was refused: it can't be stored",
                fields: ["node": "\(node)", "address": "\(address)"])
        }
    }

    func interfaceName(_ interface: InterfaceID) -> String {
        plane.ports.ports[interface.number]?.name ?? "interface \(interface.number)"
    }

    private func describe(_ location: HostLocation) -> String {
        switch location {
        case .attached(let neighbour): "attached on \(interfaceName(neighbour.interface))"
        case .tunnelled(let tunnel): "at \(tunnel.peer)"
        case .both(let neighbour, let tunnel, _):
            "attached on \(interfaceName(neighbour.interface)) and at \(tunnel.peer)"
        }
    }
}
