import AnchorPKI
import ControlAPI
import Foundation
import NetworkTypes

extension Scenario {
    static let peers = Scenario(
        "peers",
        "three routers keep sessions over mutually authenticated TLS; who is not one of them is refused by name"
    ) { run in
        let lab = try run.makeLab(LabPlan(routers: 3, server: .none))
        try lab.startRouters(RouterOptions(peering: run.family))
        checkAllSessions(run, lab, "at the start")
        try checkWhatIsShown(run, lab)
        try checkPings(run, lab)
        try checkRenewal(run, lab)
        try checkReload(run, lab)
        try checkKilledDaemon(run, lab)
        try checkUnconfigured(run, lab)
        try checkOtherAuthority(run, lab)
    }

    private static func checkAllSessions(_ run: ScenarioRun, _ lab: Lab, _ when: String) {
        var found: [String] = []
        let all = pollUntil(timeout: .seconds(40), every: 50) {
            found = (1...3).flatMap { router in
                ((try? lab.peers(of: router)) ?? [:]).values.filter { $0.state == .up }.map { "ar\(router)-\($0.name)" }
            }
            return found.count == 6
        }
        run.check("\(when): each router has a session with both others", all, found.sorted().joined(separator: " "))
    }

    private static func checkWhatIsShown(_ run: ScenarioRun, _ lab: Lab) throws {
        let table = try lab.anchorctl(["peer", "list"], to: "ar1")
        let words = table.split(separator: "\n").map { $0.split(separator: " ") }
        run.check(
            "anchorctl peer list names both, up, at their addresses",
            words.count == 3
                && [2, 3].allSatisfy { router in
                    words.contains {
                        $0.prefix(4).map(String.init)
                            == ["ar\(router)", "\(AddressPlan.endpoint(router, run.family))", "4346", "up"]
                    }
                }, table.split(separator: "\n").last.map(String.init) ?? "")
        let json = try JSONDecoder().decode(
            [PeerModel].self, from: Data(try lab.anchorctl(["peer", "list", "-o", "json"], to: "ar2").utf8))
        let endpoints = AddressFamily.allCases.map { AddressPlan.endpoint(1, $0) }
        run.check(
            "its JSON has the endpoints that the neighbour's certificate allows",
            json.first { $0.name == "ar1" }?.endpoints.map(Set.init) == Set(endpoints))
        let sockets = try lab.run(["ss", "-Htn", "state", "established", "sport = 4346 or dport = 4346"], on: "ar1")
        let connections = sockets.split(separator: "\n").count
        run.check("there is one connection a pair", connections == 2, "\(connections) at router 1")
        run.check("no daemon warns of anything", try lab.status("ar1").warnings.isEmpty)
        run.check(
            "the metrics have the sessions",
            try lab.metric(#"flowanchor_peer_up{peer="ar2"}"#, at: 1) == 1
                && lab.metric(#"flowanchor_peer_received_bytes_total{peer="ar2"}"#, at: 1) > 0)
    }

    private static func ping(_ peer: String, _ lab: Lab, _ options: [String] = []) throws -> CommandResult {
        try lab.control(["peer", "ping", peer, "--socket", lab.controlSocket("ar1")] + options, on: "ar1")
    }

    private static func checkPings(_ run: ScenarioRun, _ lab: Lab) throws {
        let answered = try ping("ar2", lab, ["--count", "5", "-o", "json"])
        let pings = try JSONDecoder().decode([PeerPingModel].self, from: Data(answered.output.utf8))
        let times = pings.compactMap(\.roundTrip)
        run.check(
            "anchorctl peer ping has an answer to each", answered.status == 0 && times.count == 5,
            times.map { String(format: "%.2f ms", $0 * 1000) }.joined(separator: " "))
        let unknown = try ping("ar9", lab)
        run.check(
            "a neighbour that is none: 66", unknown.status == 66 && unknown.errors.contains("'ar9'"),
            "\(unknown.status), \(unknown.errors.trimmingCharacters(in: .newlines))")
    }

    private static func checkRenewal(_ run: ScenarioRun, _ lab: Lab) throws {
        let before = try lab.peers(of: 2)["ar1"]
        let renewed = try lab.control(
            ["pki", "renew", "ar1", "--days", "400", "--folder", lab.credentials.path], on: "ar1")
        let isTaken = pollUntil(timeout: .seconds(20), every: 50) {
            lab.process("anchord-ar1")?.log.contains("the changed certificate is in use") == true
        }
        run.check("a renewed certificate is taken by the running daemon", renewed.status == 0 && isTaken)
        run.check("its sessions go on", try lab.peers(of: 2)["ar1"]?.sessions == before?.sessions)
    }

    /// The same process reads its configuration anew.
    private static func checkReload(_ run: ScenarioRun, _ lab: Lab) throws {
        let epoch = try lab.peers(of: 2)["ar1"]?.epoch ?? 0
        lab.process("anchord-ar1")?.signal(SIGHUP)
        let isBack = pollUntil(timeout: .seconds(30), every: 50) {
            (try? lab.peers(of: 2)["ar1"]?.epoch) == epoch + 1
        }
        run.check("a daemon that reloads says goodbye and is back", isBack)
        let listening = try lab.run(["ss", "-Hltn", "sport = 4346"], on: "ar1").split(separator: "\n").count
        run.check("it listens once", listening == 1, "\(listening)")
        checkAllSessions(run, lab, "after the reload")
    }

    private static func checkKilledDaemon(_ run: ScenarioRun, _ lab: Lab) throws {
        let epoch = try lab.peers(of: 1)["ar2"]?.epoch ?? 0
        lab.killDaemon("ar2")
        let isGone = pollUntil(timeout: .seconds(20), every: 20) {
            (try? lab.peers(of: 1)["ar2"]?.state) == .down
        }
        run.check("a neighbour whose daemon was killed is down", isGone)
        let pinged = try ping("ar2", lab)
        run.check(
            "a ping to it says so: 75", pinged.status == 75 && pinged.errors.contains("no session with 'ar2'"),
            "\(pinged.status), \(pinged.errors.trimmingCharacters(in: .newlines))")
        try lab.restartRouter(2)
        checkAllSessions(run, lab, "when it is back")
        let now = try lab.peers(of: 1)["ar2"]?.epoch ?? 0
        run.check("it is known as another run", now == epoch + 1, "epoch \(epoch), then \(now)")
    }

    /// Starts router 3 with a certificate in place of its own.
    private static func restart(_ lab: Lab, as name: String, of folder: CredentialFolder) throws {
        lab.process("anchord-ar3")?.stop()
        try String(contentsOfFile: lab.configurationFile("ar3"), encoding: .utf8)
            .replacing(/certificate-file = .*/, with: "certificate-file = \"\(folder.certificateFile(name))\"")
            .replacing(/\nkey-file = "[^"]*\.key"\nca-file = .*/) { _ in
                "\nkey-file = \"\(folder.keyFile(name))\"\nca-file = \"\(folder.authorityFile)\""
            }
            .write(toFile: lab.configurationFile("ar3"), atomically: true, encoding: .utf8)
        try lab.restartRouter(3)
    }

    /// Router 1 refuses router 3 under that name, which router 3 is told of, and goes on with router 2.
    private static func checkRefused(
        _ run: ScenarioRun, _ lab: Lab, _ who: String, as reason: String, before: Double
    ) throws {
        let metric = "flowanchor_peer_refused_total{reason=\"\(reason)\"}"
        let isCounted = pollUntil(timeout: .seconds(30), every: 50) {
            ((try? lab.metric(metric, at: 1)) ?? 0) > before
        }
        run.check("\(who) is refused as \(reason)", isCounted)
        let log = lab.process("anchord-ar1")?.log ?? ""
        run.check("the log names it", log.contains("refused: \(reason)"))
        // It has tried each of them by itself: the second may not have answered when the first has counted it.
        let knowsWhy = pollUntil(timeout: .seconds(30), every: 50) {
            guard let own = try? lab.peers(of: 3) else { return false }
            return own.count == 2 && own.values.allSatisfy { $0.state == .down && $0.lastFailure != nil }
        }
        run.check(
            "\(who) has no session and knows why", knowsWhy, (try? lab.peers(of: 3))?["ar1"]?.lastFailure ?? "")
        let isAlone = pollUntil(timeout: .seconds(30), every: 50) {
            guard let others = try? lab.peers(of: 1) else { return false }
            return others["ar2"]?.state == .up && others["ar3"]?.state == .down
        }
        run.check("router 1 has its session with router 2 still, and none with router 3", isAlone)
    }

    private static func checkUnconfigured(_ run: ScenarioRun, _ lab: Lab) throws {
        try lab.issue("stranger", for: 3, by: lab.credentials)
        let before = try lab.metric(#"flowanchor_peer_refused_total{reason="not-configured"}"#, at: 1)
        try restart(lab, as: "stranger", of: lab.credentials)
        try checkRefused(
            run, lab, "a router with a good certificate that nobody has configured", as: "not-configured",
            before: before)
        run.check(
            "the log has its name", lab.process("anchord-ar1")?.log.contains("'stranger' refused") == true)
    }

    private static func checkOtherAuthority(_ run: ScenarioRun, _ lab: Lab) throws {
        _ = try lab.otherCredentials.makeAuthority(name: "Lab \(lab.identity)")
        try lab.issue("ar3", for: 3, by: lab.otherCredentials)
        let before = try lab.metric(#"flowanchor_peer_refused_total{reason="certificate-untrusted"}"#, at: 1)
        try restart(lab, as: "ar3", of: lab.otherCredentials)
        try checkRefused(
            run, lab, "a router with a certificate of another authority", as: "certificate-untrusted", before: before)
        try restart(lab, as: "ar3", of: lab.credentials)
        checkAllSessions(run, lab, "with its own certificate again")
    }
}
