import Testing

@testable import NetworkLab

@Suite("Losses of a stream with moves")
struct MoveLossTests {
    /// A datagram a millisecond, 0.1 ms on its way, without those that are lost.
    private static func outcome(_ count: UInt64, lost: Set<UInt64>, late: [UInt64: UInt64] = [:])
        -> NumberedTraffic.Outcome
    {
        let arrivals = (0..<count).filter { !lost.contains($0) }.map { number in
            let sent = (number + 1) * 1_000_000
            return Arrival(sequence: number, time: sent + 100_000 + late[number, default: 0], sent: sent)
        }.sorted { $0.time < $1.time }
        return NumberedTraffic.Outcome(sent: Int(count), lost: lost.count, repeated: 0, arrivals: arrivals)
    }

    /// On no link from 10.5 to 12.5 ms: numbers 10 and 11 are sent meanwhile.
    private static let move: ClosedRange<UInt64> = 10_500_000...12_500_000

    @Test func `what is sent while the node is on no link is not counted against the routers`() {
        let loss = MoveLoss(Self.outcome(30, lost: [10, 11]), [Self.move])
        #expect(loss.inGap == 2)
        #expect(loss.untilKnown == 0 && loss.afterwards == 0 && loss.reordered == 0)
        #expect(loss.transit == 100_000)
    }

    @Test func `what is on its way when the link goes is lost with the link`() {
        let loss = MoveLoss(Self.outcome(30, lost: [9]), [10_050_000...12_500_000])
        #expect(loss.inGap == 1)
    }

    @Test func `what is lost until something comes the new way is told from what is lost later`() {
        let loss = MoveLoss(Self.outcome(30, lost: [10, 11, 12, 13, 20]), [Self.move])
        #expect(loss.inGap == 2)
        #expect(loss.untilKnown == 2)
        #expect(loss.afterwards == 1)
    }

    @Test func `a loss before the first move is the routers'`() {
        let loss = MoveLoss(Self.outcome(30, lost: [3]), [Self.move])
        #expect(loss.afterwards == 1)
    }

    @Test func `each that arrives after a later one is out of order`() {
        let loss = MoveLoss(Self.outcome(30, lost: [], late: [15: 2_500_000, 16: 2_000_000]), [Self.move])
        #expect(loss.reordered == 2)
    }
}
