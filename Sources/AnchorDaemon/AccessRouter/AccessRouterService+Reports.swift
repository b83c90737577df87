import AnchorCore
import Logging
import NetworkTypes

extension AccessRouterService {
    /// News to the log, the counters and whoever watches. Tens of thousands a second may come, so nothing is put into
    /// words that nobody reads.
    func tell(_ report: AccessRouterReport) {
        counters.count(report.kind)
        let isLogged = logger.logLevel <= report.level
        guard isLogged || events.isWatched else { return }
        let news = describe(report)
        if isLogged {
            logger.log(level: report.level, "\(news.text)", metadata: news.fields.mapValues { "\($0)" })
        }
        events.tell(report.kind, news.text, news.fields)
    }

    private struct News {
        var text: String
        var fields: [String: String]
    }

    private func describe(_ report: AccessRouterReport) -> News {
        switch report {
        case .attached(let node, let address, let interface):
            let name = interfaceName(interface)
            return News(
                text: "node \(node) attached on \(name) as \(address)",
                fields: ["node": "\(node)", "address": "\(address)", "interface": name])
        case .moved(let node, let address, let location):
            return News(
                text: "\(address) of node \(node) is \(describe(location))",
                fields: ["node": "\(node)", "address": "\(address)", "location": describe(location)])
        case .released(let node, let address):
            return News(
                text: "node \(node) released \(address)",
                fields: ["node": "\(node)", "address": "\(address)"])
        case .expired(let node, let address, let cause):
            return News(
                text: "\(address) of node \(node) expired (\(cause.rawValue))",
                fields: ["node": "\(node)", "address": "\(address)", "cause": cause.rawValue])
        case .deleted(let node, let address):
            return News(
                text: "\(address) of node \(node) was deleted by an operator",
                fields: ["node": "\(node)", "address": "\(address)"])
        case .refused(let node, let source, let cause):
            var fields = ["source": "\(source)", "cause": cause.rawValue]
            if let node { fields["node"] = "\(node)" }
            return News(
                text: "message from \(source) refused: \(cause.rawValue)",
                fields: fields)
        case .quotaReached(let node):
            return News(
                text: "node \(node) has as many hosts as it may",
                fields: ["node": "\(node)"])
        case .poolExhausted(let interface, let family):
            let name = interfaceName(interface)
            return News(
                text: "no IP\(family) address is free on \(name)",
                fields: ["interface": name, "family": "\(family)"])
        case .persistFailed(let node, let address):
            return News(
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

extension AccessRouterReport {
    /// In events and metrics.
    fileprivate var kind: String {
        switch self {
        case .attached: "attached"
        case .moved: "moved"
        case .released: "released"
        case .expired: "expired"
        case .deleted: "deleted"
        case .refused: "refused"
        case .quotaReached: "quota-reached"
        case .poolExhausted: "pool-exhausted"
        case .persistFailed: "persist-failed"
        }
    }

    fileprivate var level: Logger.Level {
        switch self {
        case .moved, .refused: .debug
        case .attached, .released, .expired: .info
        case .deleted: .notice
        case .quotaReached, .poolExhausted: .warning
        case .persistFailed: .error
        }
    }
}
