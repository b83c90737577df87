import BPFKit
import Foundation
import KernelTestSupport
import NetworkTypes
import PacketKit
import Synchronization
import Testing

@testable import AnchorDataPlane

/// The programs themselves put flows in front of chains while the daemon's side takes others out.
@Suite(.kernel, .serialized) struct ProgramChainTests {
    private static let host = DifferentialWorld.host(.attached, .v4)
    /// In the programs' clock, about a second each.
    private static let ticks: UInt32 = 5

    /// Sends packets of flows that come, are used, and are used no more.
    private final class Sender: Sendable {
        private let program: BPFProgram
        private let number: Int
        private let isStopped = Atomic(false)
        private let end = DispatchSemaphore(value: 0)
        private let failure = Mutex<BPFError?>(nil)

        init(_ program: consuming BPFProgram, _ number: Int) {
            self.program = program
            self.number = number
        }

        func start() {
            Thread { [self] in
                var random = Splitmix(seed: UInt64(number))
                var sent = 0
                do throws(BPFError) {
                    while !isStopped.load(ordering: .relaxed) {
                        let port = UInt16(1024 + (sent / 16 + Int(random.next() % 64)) % 20_000)
                        _ = try program.testRun(ProgramChainTests.frame(port, UInt8(random.next() % 3)))
                        sent += 1
                    }
                } catch {
                    failure.withLock { $0 = error }
                }
                end.signal()
            }.start()
        }

        func stop() throws {
            isStopped.store(true, ordering: .relaxed)
            end.wait()
            if let error = failure.withLock({ $0 }) { throw error }
        }
    }

    private static func frame(_ port: UInt16, _ remote: UInt8) -> [UInt8] {
        let ethernet = Layer.Ethernet(
            destination: DifferentialWorld.mac(DifferentialWorld.access), source: DifferentialWorld.station(0))
        let ip = Layer.IPv4(host, IPAddress(v4: 0xc633_6407 + UInt32(remote)))
        return Frame.encode([.ethernet(ethernet), .ipv4(ip), .udp(.init(port, 53)), .payload([1, 2, 3, 4])])
    }

    @Test func `each chain has exactly the live flows of its host, and all of them end`() throws {
        let capacity = NATCapacity(translations: 65536, subscribers: 64, outsideAddresses: 2)
        let instance = try KernelInstance("chains", nat: capacity)
        let dataPlane = try #require(instance.dataPlane)
        try DifferentialWorld.make(in: dataPlane)
        var configuration = dataPlane.configuration
        configuration.inside = [IPPrefix("10.1.0.0/24")!]
        configuration.outside = [.init(first: IPAddress("203.0.114.1")!, count: 2, index: 0)]
        try dataPlane.setConfiguration(configuration)
        var entry = try #require(try dataPlane.host(HostKey(Self.host)))
        (entry.isUnaware, entry.anchors) = (true, 0xff)
        try dataPlane.setHost(entry)
        let nat = dataPlane.nat
        try nat.setSubscriber(
            inside: Self.host, outside: IPAddress("203.0.114.1")!, flowLimit: 8000,
            blocks: (2..<18).map { PortBlock(outside: 0, number: $0) })
        let senders = try (0..<2).map { number in
            let port = try #require(dataPlane.port(DifferentialWorld.access))
            return Sender(try dataPlane.load(DifferentialWorld.access, port).program("fa_access"), number)
        }
        for sender in senders { sender.start() }
        let begin = try dataPlane.tick()
        var random = Splitmix(seed: 7)
        var removed = NATPass()
        let limits = NATTicks(tcpEstablished: 0, tcpTransitory: 0, udp: 0, icmp: 0)
        var most = 0
        // Where others need the processors, the senders take longer for as much.
        while try dataPlane.tick() &- begin < (removed.flowsRemoved > 1000 ? Self.ticks : 20 * Self.ticks) {
            var place: Int? = 0
            while let from = place {
                removed.add(nat.expire(limits, now: try dataPlane.tick(), from: from, places: 20_000))
                place = removed.next
            }
            let first = random.next() % 20_000
            let told = (0..<100).map { number in
                RoamingFlow(
                    transport: 17, localPort: UInt16(1024 + (first + number) % 20_000),
                    remote: IPAddress(v4: 0xc633_6407), remotePort: 53, anchor: UInt32(number % 8))
            }
            _ = try dataPlane.insertAway(told, of: Self.host)
            nat.removeAway(of: Self.host, router: UInt32(random.next() % 8))
            most = max(most, nat.flowCount(of: Self.host).here)
        }
        for sender in senders { try sender.stop() }
        #expect(removed.flowsRemoved > 1000)
        _ = nat.expire(limits, now: try dataPlane.tick(), from: 0, places: .max)
        #expect(try chain(nat) == live(nat))
        #expect(most > 0)
        _ = nat.expire(limits, now: try dataPlane.tick() + 1000, from: 0, places: .max)
        #expect(try chain(nat).isEmpty && live(nat).isEmpty)
        #expect(nat.subscriber(Self.host)?.flows == 0)
        #expect(nat.translations.entries == 0)
    }

    private func chain(_ nat: NATTable) throws -> [Int] {
        let owner = try #require(nat.place(of: Self.host))
        var found: [Int] = []
        var link = nat.memory.subscribers.slots[owner].chain
        while let index = nat.memory.slot(link), found.count <= nat.memory.translations.capacity {
            found.append(index)
            link = nat.memory.next(index)
        }
        return found.sorted()
    }

    private func live(_ nat: NATTable) -> [Int] {
        (0..<nat.memory.translations.capacity).filter {
            nat.memory.isInUse($0, as: NATKind.up) || nat.memory.isInUse($0, as: NATKind.away)
        }
    }
}
