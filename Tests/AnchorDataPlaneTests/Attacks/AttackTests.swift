import BPFKit
import KernelTestSupport
import NetworkTypes
import PacketKit
import Testing

@testable import AnchorDataPlane

/// Packets that must not get through, one after the other, in the kernel's programs.
@Suite(.kernel) struct AttackTests {
    private static let drop: UInt32 = 1

    @Test(arguments: AddressFamily.allCases)
    func `each attack ends under its own reason and under no other`(family: AddressFamily) throws {
        let instance = try KernelInstance("attacks-\(family)")
        let plane = try #require(instance.dataPlane)
        try DifferentialWorld.make(in: plane)
        let attacks = Attack.all(family)
        for port in [DifferentialWorld.core, DifferentialWorld.access] {
            let description = try #require(plane.port(port))
            let program = try plane.load(port, description).program(description.role.programs[0])
            for attack in attacks where attack.port == port {
                let before = try plane.reasonCounts()
                let run = try program.testRun(Frame.encode(attack.layers))
                let after = try plane.reasonCounts()
                let counted = Reason.all.filter { after[$0] != before[$0] }.map(\.name)
                #expect(counted == [attack.reason], "\(attack.threat): \(attack.what)")
                #expect(run.verdict == Self.drop, "\(attack.threat): \(attack.what)")
            }
        }
        #expect(attacks.count > 20)
    }

    @Test(arguments: AddressFamily.allCases)
    func `what the attacks change in one place gets through as it is`(family: AddressFamily) throws {
        let instance = try KernelInstance("control-\(family)")
        let plane = try #require(instance.dataPlane)
        try DifferentialWorld.make(in: plane)
        let description = try #require(plane.port(DifferentialWorld.core))
        let program = try plane.load(DifferentialWorld.core, description).program("fa_core")
        let run = try program.testRun(Frame.encode(Attack.control(family)))
        #expect(run.verdict != Self.drop)
        #expect(try plane.reasonCounts()[Reason(name: "forwarded")!] == 1)
    }
}
