import AnchorCore
import Logging
import NetworkTypes

extension MobileNodeService {
    /// News to the log and whoever watches.
    func tell(_ report: MobileNodeReport) {
        let news = describe(report)
        logger.log(level: news.level, "\(news.text)", metadata: news.fields.mapValues { "\($0)" })
        events.tell(news.kind, news.text, news.fields)
    }

    func uplinkName(_ interface: InterfaceID) -> String { uplinks[interface] ?? "interface \(interface.number)" }

    private struct News {
        var kind: String
        var level: Logger.Level = .info
        var text: String
        var fields: [String: String] = [:]
    }

    private func describe(_ report: MobileNodeReport) -> News {
        switch report {
        case .routerFound(let interface, let router):
            let name = uplinkName(interface)
            return News(
                kind: "router-found", text: "router \(router) is on \(name)",
                fields: ["router": "\(router)", "interface": name])
        case .routerLost(let interface, let router):
            let name = uplinkName(interface)
            return News(
                kind: "router-lost", level: .notice, text: "router \(router) is gone from \(name)",
                fields: ["router": "\(router)", "interface": name])
        case .attached(let interface, let router, let addresses):
            let name = uplinkName(interface)
            let list = addresses.map(\.description).joined(separator: " ")
            return News(
                kind: "attached", level: .notice, text: "attached to router \(router) on \(name) as \(list)",
                fields: ["router": "\(router)", "interface": name, "addresses": list])
        case .attachRefused(let interface, let code, let text):
            let name = uplinkName(interface)
            return News(
                kind: "attach-refused", level: .warning, text: "a router on \(name) refuses: \(text)",
                fields: ["interface": name, "code": "\(code)"])
        case .detached(let interface):
            let name = uplinkName(interface)
            return News(kind: "detached", text: "detached from \(name)", fields: ["interface": name])
        case .moved(let address, let careOf):
            return News(
                kind: "moved", text: "the anchor of \(address) knows that it is at \(careOf)",
                fields: ["address": "\(address)", "care-of": "\(careOf)"])
        case .returned(let address):
            return News(
                kind: "returned", text: "\(address) is in use on its own link again", fields: ["address": "\(address)"])
        case .bothInUse(let address, let careOf):
            return News(
                kind: "both-in-use", text: "\(address) is in use on its own link and at \(careOf)",
                fields: ["address": "\(address)", "care-of": "\(careOf)"])
        case .anchorUnreachable(let address):
            return News(
                kind: "anchor-unreachable", level: .warning, text: "the anchor of \(address) does not answer",
                fields: ["address": "\(address)"])
        case .anchorLost(let address, let code, let text):
            return News(
                kind: "anchor-lost", level: .error, text: "the anchor of \(address) gave it up: \(text)",
                fields: ["address": "\(address)", "code": "\(code)"])
        case .released(let address):
            return News(kind: "released", text: "\(address) was released", fields: ["address": "\(address)"])
        case .refusalHeard(let code, let text):
            return News(
                kind: "refusal-heard", level: .warning, text: "somebody says that a message was refused: \(text)",
                fields: ["code": "\(code)"])
        case .discarded(let source, let cause):
            return News(
                kind: "discarded", level: .debug, text: "a message from \(source) was discarded: \(cause.rawValue)",
                fields: ["source": "\(source)", "cause": cause.rawValue])
        }
    }
}
