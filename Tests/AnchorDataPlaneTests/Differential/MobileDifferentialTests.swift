import BPFKit
import CBPF
import FlowAnchorABI
import KernelTestSupport
import NetworkTypes
import Synchronization
import Testing

@testable import AnchorDataPlane

/// The model and the mobile node's programs, packet by packet on the same random input; seed and number of packets as in
/// `DifferentialTests`.
@Suite(.kernel) struct MobileDifferentialTests {
    @Test func `model and mobile node agree on verdict, bytes and tables`() throws {
        let run = try MobileDifferential(seed: DifferentialTests.seed)
        print("differential test of the mobile node: FLOWANCHOR_SEED=\(DifferentialTests.seed)")
        for number in 0..<DifferentialTests.packets {
            try run.next()
            if number % 100 == 99 { try run.compareHosts() }
            if number % 5000 == 4999 { try run.compareFlows() }
            guard run.disagreements < 5 else { return }
        }
        try run.compareHosts()
        try run.compareFlows()
        try run.compareCounters()
    }
}

/// Both of them, side by side.
private final class MobileDifferential {
    typealias World = MobileWorld

    private let seed: UInt64
    private let instance: KernelInstance
    private let kernel: KernelDataPlane
    private let model = ModelDataPlane()
    private var packets: MobilePackets
    private let programs: LoadedBPFObject
    private let programsAheadOfSegmenter: LoadedBPFObject
    private let programsBehindSegmenter: LoadedBPFObject
    private let interfaces: [PortIndex: WatchedInterface]
    /// The segmenter's other end.
    private let exit: WatchedInterface
    private let events: BPFRingBuffer
    private let told = Told()

    private var number = 0
    private var encapsulatedAggregates: UInt64 = 0
    private var copies = 0
    /// Flows that were met in both directions, and ended.
    private var bothWays = 0
    private(set) var disagreements = 0

    private final class Told: Sendable {
        let reports = Mutex<[DataPlaneEvent]>([])
    }

    init(seed: UInt64) throws {
        self.seed = seed
        packets = MobilePackets(seed: seed)
        interfaces = try World.macs.mapValues {
            try WatchedInterface(prefix: "fadiff\(UInt8($0.bytes[5]) & 15)", mac: "\($0)")
        }
        exit = try WatchedInterface(prefix: "fadiffx", mac: "02:00:00:00:aa:09")
        instance = try KernelInstance("mobile-differential", program: .mobileNode)
        kernel = try #require(instance.dataPlane)
        try World.make(in: kernel, interfaces: interfaces.mapValues(\.index))
        try World.make(in: model, interfaces: interfaces.mapValues(\.index))
        let port = try #require(kernel.port(World.uplink))
        programs = try kernel.load(World.uplink, port)
        programsBehindSegmenter = try kernel.load(0, ["fa_mobile_segmented"], hasLinkHeader: true)
        let entrance = exit.index
        kernel.state.withLock { $0.segmenter = entrance }
        programsAheadOfSegmenter = try kernel.load(World.uplink, port)
        _ = (try kernel.takeTraces(), model.takeTraces())
        let told = told
        events = try kernel.events { record in
            guard let event = DataPlaneEvent(record) else { return }
            told.reports.withLock { $0.append(event) }
        }
    }

    // MARK: Packets

    /// Sends one through both, and what comes of it again where it comes in.
    func next() throws {
        var packet = packets.next()
        number += 1
        // A tunnel in a tunnel, or an answer that is about one.
        for _ in 0..<3 {
            let expected = outcome(packet)
            try compare(packet, expected)
            guard expected.verdict == .comesIn else { return }
            packet = .init(hook: .ingress, frame: expected.bytes)
        }
    }

    private func outcome(_ packet: MobilePackets.Packet) -> ModelOutcome {
        switch packet.hook {
        case .egress: model.send(packet.frame, on: World.uplink, aggregate: packet.aggregate)
        case .egressAheadOfSegmenter:
            model.send(packet.frame, on: World.uplink, aggregate: packet.aggregate, cutting: .ahead)
        case .segmented: model.send(packet.frame, on: nil, aggregate: packet.aggregate, cutting: .done)
        case .ingress: model.process(packet.frame, on: World.uplink, aggregate: packet.aggregate)
        }
    }

    private func run(_ packet: MobilePackets.Packet) throws -> BPFTestRun {
        var context = __sk_buff()
        context.ifindex = UInt32(packet.hook == .segmented ? exit.index : interfaces[World.uplink]!.index)
        context.gso_size = UInt32(packet.aggregate?.segmentSize ?? 0)
        context.gso_segs = UInt32(packet.aggregate?.segments ?? 0)
        switch packet.hook {
        case .egress: return try programs.program("fa_mobile_egress").testRun(packet.frame, context: context)
        case .egressAheadOfSegmenter:
            return try programsAheadOfSegmenter.program("fa_mobile_egress").testRun(packet.frame, context: context)
        case .segmented:
            return try programsBehindSegmenter.program("fa_mobile_segmented").testRun(packet.frame, context: context)
        case .ingress: return try programs.program("fa_mobile_ingress").testRun(packet.frame, context: context)
        }
    }

    /// What tc says for the model's verdicts.
    private func number(_ verdict: ModelOutcome.Verdict) -> UInt32 {
        switch verdict {
        case .pass: 0xffff_ffff  // TC_ACT_UNSPEC
        case .drop: 2  // TC_ACT_SHOT
        case .redirect, .neighbour, .comesIn, .segmenter: 7  // TC_ACT_REDIRECT
        }
    }

    private func compare(_ packet: MobilePackets.Packet, _ expected: ModelOutcome) throws {
        let run: BPFTestRun
        do { run = try self.run(packet) } catch {
            Issue.record("packet \(number - 1) of seed \(seed), \(packet.hook): \(error): \(hex(packet.frame))")
            disagreements += 1
            return
        }
        let copies = sentCopies()
        try events.consume()
        let reports = told.reports.withLock { reports in
            defer { reports.removeAll(keepingCapacity: true) }
            return reports
        }
        // No test run can say of what kind an aggregate is, and the kernel makes room in front of those of TCP only.
        let isOutOfReach = packet.aggregate != nil && expected.reason?.name == "encapsulated"
        if isOutOfReach { encapsulatedAggregates += 1 }
        let verdict = isOutOfReach ? 2 : number(expected.verdict)
        let port: PortIndex = packet.hook == .segmented ? 0 : World.uplink
        let isSame =
            run.verdict == verdict && (verdict == 2 || run.packet == expected.bytes)
            && copies == (expected.copy.map { [seen($0, packet.hook)] } ?? [])
            && reports == (expected.report.map { [.icmpError(port: port, $0)] } ?? [])
        if expected.copy != nil { self.copies += 1 }
        guard !isSame else { return }
        disagreements += 1
        Issue.record(
            """
            packet \(number - 1) of seed \(seed), \(packet.hook), aggregate \(String(describing: packet.aggregate)):
            frame    \(hex(packet.frame))
            model    \(expected.verdict) \(expected.reason?.name ?? "-") \(hex(expected.bytes))
                     copy \(expected.copy.map { "\($0.port) \(hex($0.bytes))" } ?? "-") \
            report \(expected.report.map(hex) ?? "-")
            programs \(run.verdict) \(hex(run.packet))
                     copies \(copies.map { "\($0.port) \(hex($0.bytes))" }) reports \(reports)
            """)
    }

    /// The copy as it is seen here. In front of the segmenter all go around once more by the uplink that they were
    /// leaving by, marked with the port that they are for.
    private func seen(_ copy: ModelOutcome.Copy, _ hook: MobilePackets.Hook) -> ModelOutcome.Copy {
        hook == .segmented ? copy : .init(port: World.uplink, bytes: copy.bytes)
    }

    /// Copies that were sent.
    private func sentCopies() -> [ModelOutcome.Copy] {
        var found: [ModelOutcome.Copy] = []
        for (port, interface) in interfaces {
            while let frame = interface.sent() { found.append(.init(port: port, bytes: frame)) }
        }
        while let frame = exit.sent() { found.append(.init(port: .max, bytes: frame)) }
        return found
    }

    // MARK: Tables

    /// Flows are forgotten then, so that there is room for others.
    func compareFlows() throws {
        var flows: [FlowKey: ModelFlow] = [:]
        try kernel.flowTable().visitSlots { slot in
            let anchor = slot.anchor.address
            let flow = ModelFlow(
                anchor: anchor.isUnspecified ? nil : anchor, seen: .init(rawValue: slot.seen),
                packetsUp: slot.packets_up, bytesUp: slot.bytes_up, packetsDown: slot.packets_down,
                bytesDown: slot.bytes_down)
            if flows.updateValue(flow, forKey: FlowKey(slot.key)) != nil {
                Issue.record("flow \(FlowKey(slot.key)) is there twice")
            }
            return true
        }
        let expected = model.flows
        bothWays += expected.values.count { $0.isEnded && $0.packetsUp > 0 && $0.packetsDown > 0 }
        if flows != expected {
            disagreements += 1
            Issue.record(
                """
                flows after packet \(number - 1) of seed \(seed):
                \(different(flows, expected))
                """)
        }
        try kernel.flowTable().remove { _ in true }
        model.removeFlows()
    }

    func compareHosts() throws {
        let (found, expected) = (try kernel.takeTraces(), model.takeTraces())
        guard found != expected else { return }
        disagreements += 1
        Issue.record(
            """
            hosts after packet \(number - 1) of seed \(seed):
            \(different(found, expected))
            """)
    }

    func compareCounters() throws {
        var expected = try model.reasonCounts()
        expected[Reason(name: "encapsulated")!]! -= encapsulatedAggregates
        expected[Reason(name: "redirect_failed")!]! += encapsulatedAggregates
        let counts = try kernel.reasonCounts()
        for reason in Reason.all { #expect(counts[reason] == expected[reason], "\(reason)") }
        // All that this role's programs know was met.
        let known = [
            "forwarded", "encapsulated", "delivered", "icmp_too_big", "to_kernel_icmp", "malformed", "peer_unknown",
            "tunnel_kind_mismatch", "tunnel_key_mismatch", "outer_fragment", "sequence_old", "duplicate", "ecn_invalid",
            "too_big", "no_route", "redirect_failed",
        ]
        let unmet = known.filter { expected[Reason(name: $0)!] == 0 }
        #expect(unmet.isEmpty, "never met")
        #expect(copies > 0)
        #expect(bothWays > 0, "no flow was met in both directions and ended")
    }
}
