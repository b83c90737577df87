import BPFKit
import KernelTestSupport
import NetworkTypes
import PacketKit
import Testing

@testable import AnchorDataPlane

/// The model's NAT and the programs', packet by packet on the same random traffic in worlds of all kinds; seed and number
/// of packets as in `DifferentialTests`.
@Suite(.kernel) struct NATDifferentialTests {
    @Test func `model and programs agree on what is translated and on what is left in the tables`() throws {
        let seed = DifferentialTests.seed
        print("differential test of the NAT: FLOWANCHOR_SEED=\(seed)")
        let run = try NATDifferential(seed: seed)
        for number in 0..<DifferentialTests.packets {
            if number % NATDifferential.packetsPerWorld == 0 { try run.enterWorld() }
            try run.next()
            switch number % 600 {
            case 99: run.grantBlocks()
            case 20, 70, 220, 330: try run.tellAway()
            case 350: run.removeAway()
            case 120: try run.changeExempt()
            case 150: try run.outlastFragments()
            case 450: run.removeSubscriber()
            case 599: run.expire()
            default: break
            }
            if number % 200 == 199 { try run.compareTables() }
            guard run.disagreements < 5 else { return }
        }
        try run.compareTables()
        try run.compareCounters()
    }
}
