import NetworkTypes

/// A scenario while it runs: its lab, the names of its addresses, and the checks made so far.
final class ScenarioRun {
    let scenario: String
    let family: AddressFamily
    var names = AddressNames()
    private(set) var checks: [Check] = []
    private let pcapFolder: String?
    private let report: (Check) -> Void
    private var labs: [Lab] = []

    init(scenario: String, family: AddressFamily, pcapFolder: String?, report: @escaping (Check) -> Void) {
        self.scenario = scenario
        self.family = family
        self.pcapFolder = pcapFolder
        self.report = report
        names["C"] = AddressPlan.correspondent(family)
        names["oA"] = AddressPlan.endpoint(1, family)
        names["nA"] = AddressPlan.endpoint(2, family)
        names["cA"] = AddressPlan.endpoint(3, family)
    }

    /// The correspondent's address.
    var correspondent: IPAddress { AddressPlan.correspondent(family) }

    /// Builds a lab that goes away with the scenario.
    func makeLab(_ plan: LabPlan) throws -> Lab {
        let folder = pcapFolder.map { "\($0)/\(scenario)-v\(family.rawValue)" }
        let lab = try Lab(plan, captureFolder: folder)
        labs.append(lab)
        return lab
    }

    @discardableResult
    func check(_ name: String, _ passed: Bool, _ detail: String = "") -> Bool {
        if !passed { RemovalOnSignal.waitIfInterrupted() }
        let check = Check(name: name, passed: passed, detail: detail)
        checks.append(check)
        report(check)
        return passed
    }

    func close() {
        labs.forEach { $0.remove() }
        labs = []
    }
}
