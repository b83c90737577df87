import BPFKit
import CBPF
import FlowAnchorABI
import KernelTestSupport
import NetworkTypes
import PacketKit
import Synchronization
import Testing

@testable import AnchorDataPlane

/// Packets of a host that the daemon was handed, because nobody knew the host, go before those that come after them.
@Suite(.kernel, .serialized) struct HandOverOrderTests {
    private static let host = DifferentialWorld.host(.attached, .v4)
    private static let stranger = IPAddress("10.1.0.200")!

    private final class Bench {
        let instance: KernelInstance
        let dataPlane: KernelDataPlane
        let program: BPFProgram
        let ring: BPFRingBuffer
        private let received: Received

        private final class Received: Sendable {
            let events = Mutex<[DataPlaneEvent]>([])
        }

        init(_ name: String, _ change: (inout HostEntry) -> Void) throws {
            instance = try KernelInstance(name)
            dataPlane = try #require(instance.dataPlane)
            try DifferentialWorld.make(in: dataPlane)
            var configuration = dataPlane.configuration
            configuration.pools = [IPPrefix("10.1.0.0/24")!]
            configuration.unaware = Set(configuration.pools)
            try dataPlane.setConfiguration(configuration)
            var entry = try #require(try dataPlane.host(HostKey(HandOverOrderTests.host)))
            entry.isUnaware = true
            change(&entry)
            try dataPlane.setHost(entry)
            let port = try #require(dataPlane.port(DifferentialWorld.access))
            program = try dataPlane.load(DifferentialWorld.access, port).program("fa_access")
            let received = Received()
            self.received = received
            ring = try dataPlane.events { record in
                if let event = DataPlaneEvent(record) { received.events.withLock { $0.append(event) } }
            }
        }

        /// - Returns: whether the program has handed the packet to the daemon.
        func isHanded(_ frame: [UInt8], isHandedBack: Bool = false) throws -> Bool {
            let before = try count
            var context = xdp_md()
            let metadata = isHandedBack ? withUnsafeBytes(of: FA_HANDED_BACK) { Array($0) } : []
            context.data = UInt32(metadata.count)
            context.data_end = UInt32(metadata.count + frame.count)
            _ = try program.testRun(metadata + frame, context: context)
            return try count > before
        }

        private var count: UInt64 {
            get throws { try dataPlane.reasonCounts()[#require(Reason(name: "held"))] ?? 0 }
        }

        /// What the daemon was handed since the last time.
        func take() throws -> [DataPlaneEvent] {
            try ring.consume()
            return received.events.withLock { events in
                defer { events = [] }
                return events
            }
        }
    }

    private static func frame(from source: IPAddress, _ number: UInt8, bytes: Int = 8) -> [UInt8] {
        let ethernet = Layer.Ethernet(
            destination: DifferentialWorld.mac(DifferentialWorld.access), source: DifferentialWorld.station(0))
        let payload = [UInt8](repeating: number, count: bytes)
        return Frame.encode([
            .ethernet(ethernet), .ipv4(.init(source, IPAddress("198.51.100.7")!)), .udp(.init(4711, 53)),
            .payload(payload),
        ])
    }

    @Test func `a packet follows what the daemon has not dealt with yet, and goes on when there is nothing`() throws {
        let bench = try Bench("drain") { $0.isDraining = true }
        try bench.dataPlane.letDrain()
        #expect(try !bench.isHanded(Self.frame(from: Self.host, 1)), "nothing is there to be waited for")
        let frames = [
            Self.frame(from: Self.stranger, 2), Self.frame(from: Self.host, 3),
            Self.frame(from: Self.host, 4, bytes: 1458),
        ]
        for frame in frames { #expect(try bench.isHanded(frame)) }
        #expect(try !bench.isHanded(frames[1], isHandedBack: true), "sent on by the daemon, it waits for nothing")
        let events = frames.map { DataPlaneEvent.unknownHost(port: DifferentialWorld.access, $0) }
        #expect(try bench.take() == events)
        #expect(try !bench.isHanded(Self.frame(from: Self.host, 5)))
    }

    @Test func `all packets of a host that is claimed are handed over, but those that the daemon sends on`() throws {
        let bench = try Bench("claimed") { $0.isClaimed = true }
        let frame = Self.frame(from: Self.host, 1)
        #expect(try bench.isHanded(frame))
        _ = try bench.take()
        #expect(try bench.isHanded(frame))
        #expect(try !bench.isHanded(frame, isHandedBack: true))
    }

    /// Where nobody reads events any more, hosts are not cut off.
    @Test func `without a daemon that lets them drain packets wait for nothing`() throws {
        let bench = try Bench("undrained") { $0.isDraining = true }
        #expect(try bench.isHanded(Self.frame(from: Self.stranger, 1)))
        #expect(try !bench.isHanded(Self.frame(from: Self.host, 2)))
    }

    @Test func `a frame that fits no event is dropped under its name, not out of its order`() throws {
        let bench = try Bench("long") { $0.isClaimed = true }
        #expect(try !bench.isHanded(Self.frame(from: Self.host, 1, bytes: 3000)))
        #expect(try bench.dataPlane.reasonCounts()[#require(Reason(name: "hold_full"))] == 1)
    }
}
