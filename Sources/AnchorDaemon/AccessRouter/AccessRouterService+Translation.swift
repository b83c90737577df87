import AnchorCore
import AnchorDataPlane
import Logging
import NetworkTypes

/// NAT: what the router does beside its hosts.
extension AccessRouterService {
    /// Where outside addresses are counted: as before, whatever flows are there.
    static func numberedOutside(_ settings: AccessRouterSettings, instance: String) -> [OutsideRange] {
        guard let nat = settings.nat else { return [] }
        let former = KernelDataPlane.pinnedConfiguration(of: instance)?.outside ?? []
        return .numbered(nat.outside.map { ($0.first, $0.count) }, keeping: former)
    }

    /// Goes on with the translations that are there.
    func translate(_ nat: NATSettings, outside: [OutsideRange]) {
        let left = Translation.leave(outside, dataPlane, nat.timeouts)
        if left > 0 {
            logger.warning(
                "hosts lose their outside address, which is none any more, and get another",
                metadata: ["hosts": "\(left)"])
        }
        plane.outside = outside
        plane.translation = Translation(nat, dataPlane.nat, outside: outside) { [weak self] in self?.tell($0) }
        translationPass = TranslationPass(dataPlane, nat)
        if dataPlane.lostTranslations > 0 {
            logger.warning(
                "translated flows found no room in tables of another size",
                metadata: ["flows": "\(dataPlane.lostTranslations)"])
        }
    }

    /// After all hosts of a start are there.
    func finishTranslation() {
        guard let translation = plane.translation else { return }
        let fixed = staticHosts.addresses
        if dataPlane.nat.subscribers.entries != translation.admissions {
            translation.dismissAll {
                router.holds($0) || fixed.contains($0) || unaware.holds($0) || roaming?.roaming.holds($0) == true
            }
        }
        logger.info(
            "translating",
            metadata: [
                "inside": "\(translation.settings.inside.map(\.description).joined(separator: " "))",
                "outside": "\(translation.pool.ranges.map(\.description).joined(separator: " "))",
                "subscribers": "\(dataPlane.nat.subscribers.entries)",
            ])
    }

    /// A packet that was translated and whose next hop isn't known goes to the kernel with a source address that may be
    /// this machine's own: the kernel takes it for forged unless it is told otherwise.
    func acceptTranslated(on interface: String) {
        guard settings.nat != nil else { return }
        var kernel = InterfaceSettings()
        attempt { try kernel.prepareTranslation(interface) }
    }

    /// Looks for what is over its time, unless that is under way.
    func beginTranslationPass() {
        guard let translationPass, !isTranslationPassUnderWay else { return }
        isTranslationPassUnderWay = true
        translationPass.begin { [weak self, queue] result in
            queue.async { [weak self] in self?.finishTranslationPass(result) }
        }
    }

    private func finishTranslationPass(_ result: TranslationPass.Result) {
        isTranslationPassUnderWay = false
        lastTranslationPass = result.time
        guard !isStopped else { return }
        if let failure = result.failure { logger.error("\(failure)") }
        plane.translation?.finish(result)
    }

    /// What an operator should look at.
    var translationWarnings: [String] {
        guard let translation = plane.translation else { return [] }
        var warnings: [String] = []
        if translation.unassigned > 0 {
            warnings.append(
                "\(translation.unassigned) hosts have no outside address: no block of ports is free; "
                    + "add addresses to outside of [access-router.nat]")
        }
        for port in plane.ports.ports.values.sorted(by: { $0.index < $1.index }) where port.link != nil {
            if let warning = InterfaceSettings().translationWarning(port.name) { warnings.append(warning) }
        }
        return warnings
    }

    /// Blocks of ports to the log, the counters and whoever watches (RFC 6888, section 4).
    private func tell(_ report: Translation.Report) {
        let news = news(of: report)
        counters.count(news.kind)
        if logger.logLevel <= news.level {
            logger.log(level: news.level, "\(news.text)", metadata: news.fields.mapValues { "\($0)" })
        }
        events.tell(news.kind, news.text, news.fields)
    }

    private struct News {
        var kind: String
        var level: Logger.Level
        var text: String
        var fields: [String: String]
    }

    private func news(of report: Translation.Report) -> News {
        func block(_ kind: String, _ verb: String, _ inside: IPAddress, _ outside: IPAddress, _ block: PortBlock)
            -> News
        {
            News(
                kind: kind, level: .info, text: "ports \(block) of \(outside) \(verb) \(inside)",
                fields: ["inside": "\(inside)", "outside": "\(outside)", "ports": "\(block)"])
        }
        switch report {
        case .assigned(let inside, let outside, let ports):
            return block("ports-assigned", "assigned to", inside, outside, ports)
        case .returned(let inside, let outside, let ports):
            return block("ports-returned", "returned by", inside, outside, ports)
        case .exhausted(let inside):
            return News(
                kind: "ports-exhausted", level: .warning,
                text:
                    "no outside address has a free block of ports for \(inside), nor for hosts that come after it",
                fields: ["inside": "\(inside)"])
        case .addressFull(let outside):
            return News(
                kind: "outside-address-full", level: .warning,
                text: "outside address \(outside) has no free block of ports for hosts that need more of them",
                fields: ["outside": "\(outside)"])
        case .failed(let inside, let error):
            return News(
                kind: "translation-failed", level: .error, text: "\(inside) is not translated: \(error)",
                fields: ["inside": "\(inside)"])
        }
    }
}
