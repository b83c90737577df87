import BPFObjects
import Foundation

extension Scenario {
    static let conflicts = Scenario(
        "T22",
        "second daemons, another program on an interface, what a killed daemon left: named, and never torn down silently"
    ) { run in
        let anchored = try AnchoredLab(run, plan: LabPlan(routers: 2))
        let lab = anchored.lab
        try anchored.beginOriginalFlow()
        try anchored.move(to: 2, named: "nM")
        for machine in ["ar1", "mn"] { try checkSecondDaemon(run, lab, machine) }
        try checkOtherInstance(run, lab)
        try anchored.original?.waitForProgress(200_000)
        anchored.checkOriginalFlowSurvives()

        try checkStalePins(run, anchored)
        try checkForeignProgram(run, lab)
        try anchored.original?.waitForProgress(200_000, timeout: .seconds(60))
        anchored.checkOriginalFlowSurvives()

        for machine in ["mn", "ar1"] { try checkUnloading(run, lab, machine) }
    }

    /// Exit codes as in `sysexits.h`: 75 for not now, 73 for in conflict with what is there, 66 for nothing there.
    private static func checkSecondDaemon(_ run: ScenarioRun, _ lab: Lab, _ machine: String) throws {
        let first = lab.process("anchord-\(machine)")!
        let second = try Command(
            [Lab.ownProgram("anchord"), "--config", lab.configurationFile(machine)], in: lab.namespace(machine)
        ).run()
        run.check("\(machine): a second daemon is refused with 75", second.status == 75, "\(second.status)")
        run.check(
            "\(machine): it names the first", second.errors.contains("process \(first.pid)"), second.errors.firstLine)
        run.check("\(machine): the first one still answers", (try? lab.status(machine)) != nil)
    }

    /// With a name and a folder of its own, but on the interfaces and the port of the first.
    private static func checkOtherInstance(_ run: ScenarioRun, _ lab: Lab) throws {
        let other = lab.namespace("other")
        let path = lab.configurationFile("other")
        try String(contentsOfFile: lab.configurationFile("ar1"), encoding: .utf8)
            .replacing("\"\(lab.namespace("ar1"))\"", with: "\"\(other)\"")
            .replacing(lab.stateFolder("ar1"), with: lab.stateFolder("other"))
            .replacing(lab.controlSocket("ar1"), with: lab.controlSocket("other"))
            .write(toFile: path, atomically: true, encoding: .utf8)
        let before = try lab.programs(on: "ar1")
        let second = try Command([Lab.ownProgram("anchord"), "--config", path], in: lab.namespace("ar1")).run()
        run.check("another instance on the same port is refused with 75", second.status == 75, "\(second.status)")
        run.check("it names the port", second.errors.contains("4346"), second.errors.firstLine)
        run.check("the programs of the first stay", try lab.programs(on: "ar1") == before && !before.isEmpty)
        let pins = "\(LabRemoval.pinFolder)/\(other)"
        run.check("nothing of the refused one stays pinned", !FileManager.default.fileExists(atPath: pins), pins)
    }

    private static func checkStalePins(_ run: ScenarioRun, _ anchored: AnchoredLab) throws {
        let lab = anchored.lab
        let unload = ["unload", "--instance", lab.namespace("ar1")]
        let refused = try lab.control(unload, on: "ar1")
        run.check(
            "unloading an instance whose daemon runs is refused with 73", refused.status == 73,
            "\(refused.status), \(refused.errors.firstLine)")
        lab.killDaemon("ar1")
        try anchored.original?.waitForProgress(200_000)
        run.check("killed, a daemon leaves its programs in force", try lab.programs(on: "ar1").count == 4)
        let done = try lab.control(unload, on: "ar1")
        run.check("what it left is unloaded by its name", done.status == 0, done.errors.firstLine)
        // Whoever is killed leaves its socket, which the next one takes.
        try? FileManager.default.removeItem(atPath: lab.controlSocket("ar1"))
        let remains = try lab.remains(on: "ar1")
        run.check("nothing of it stays", remains.isEmpty, remains.joined(separator: "; "))
        let again = try lab.control(unload, on: "ar1")
        run.check("once more, there is nothing: 66", again.status == 66, "\(again.status), \(again.errors.firstLine)")
    }

    private static func checkForeignProgram(_ run: ScenarioRun, _ lab: Lab) throws {
        let object = try BPFObjects.path(of: "foreign")
        try lab.run(["ip", "link", "set", "dev", "core0", "xdp", "obj", object, "sec", "xdp"], on: "ar1")
        let foreign = try lab.programs(on: "ar1")
        try lab.restartRouter(1)
        let warnings = try lab.status("ar1").warnings
        run.check(
            "another program on an interface is named and left alone",
            warnings.contains { $0.hasPrefix("core0: ") && $0.contains("'foreign'") && $0.contains("is left alone") },
            warnings.joined(separator: "; "))
        let present = try lab.programs(on: "ar1")
        run.check(
            "it is still there, and the daemon's own on the other interfaces",
            foreign.count == 1 && present.contains(foreign[0]) && present.count == 4, "\(present.count) programs")
        let unloaded = try lab.control(["unload", "--socket", lab.controlSocket("ar1")], on: "ar1")
        let ended = lab.process("anchord-ar1")?.wait(timeout: .seconds(10))
        let remains = try lab.remains(on: "ar1")
        run.check(
            "unloading takes the daemon's own away and leaves the other one",
            unloaded.status == 0 && ended == 0 && remains == foreign, remains.joined(separator: "; "))
        try lab.restartRouter(1)
        try lab.run(["ip", "link", "set", "dev", "core0", "xdp", "off"], on: "ar1")
        let isTaken = try pollUntil(timeout: .seconds(10)) {
            let status = try lab.status("ar1")
            return status.warnings.isEmpty && status.interfaces.allSatisfy { $0.mode == "native" }
        }
        run.check("once the other one is gone, the daemon takes the interface by itself", isTaken)
    }

    private static func checkUnloading(_ run: ScenarioRun, _ lab: Lab, _ machine: String) throws {
        let before = try lab.remains(on: machine)
        let unloaded = try lab.control(["unload", "--socket", lab.controlSocket(machine)], on: machine)
        let ended = lab.process("anchord-\(machine)")?.wait(timeout: .seconds(10))
        run.check(
            "\(machine): unloading ends the daemon", unloaded.status == 0 && ended == 0,
            "\(ended ?? -1) \(unloaded.errors.firstLine)")
        let remains = try lab.remains(on: machine)
        run.check(
            "\(machine): it leaves nothing behind", !before.isEmpty && remains.isEmpty,
            remains.isEmpty ? "\(before.count) things before" : remains.joined(separator: "; "))
    }
}

extension String {
    fileprivate var firstLine: String { prefix { $0 != "\n" }.trimmingCharacters(in: .whitespaces) }
}
