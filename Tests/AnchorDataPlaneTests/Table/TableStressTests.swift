import BPFKit
import BPFObjects
import FlowAnchorABI
import Foundation
import KernelTestSupport
import NetworkTypes
import Synchronization
import Testing

@testable import AnchorDataPlane

/// The daemon's writer and programs on the same slots at the same time.
@Suite(.kernel, .serialized) struct TableStressTests {
    private static let permanent = 4
    /// Few that come and go, so that both sides often want the same.
    private static let all = 12

    /// An entry whose peer tells whether it is whole, as `table.bpf.c` checks it.
    private static func entry(_ number: Int, _ random: UInt64) -> HostEntry {
        let peer = IPAddress(high: random, low: ~random)
        return HostEntry(
            key: HostKey(.ten(number)), node: UInt32(number),
            tunnel: HostTunnel(peer: peer, kind: .gre(key: key(random), sequenced: false), path: 0))
    }

    /// The key whose four bytes are the first ones of the peer's address.
    private static func key(_ random: UInt64) -> UInt32 { UInt32(random >> 32) }

    private static func isWhole(_ tunnel: HostTunnel) -> Bool {
        // What programs insert is IP-in-IP, with the same words.
        guard case .gre(let key, _) = tunnel.kind else { return tunnel.peer.low == ~tunnel.peer.high }
        return tunnel.peer.low == ~tunnel.peer.high && key == Self.key(tunnel.peer.high)
    }

    @Test func `hashes are the same on both sides`() throws {
        let program = try BPFObject(path: BPFObjects.path(of: "table")).load().program("table_hash")
        var random = SystemRandomNumberGenerator()
        for _ in 0..<1000 {
            let secret = [random.next() as UInt64, random.next()]
            let address = fa_address(IPAddress(high: random.next(), low: random.next()))
            let realm = random.next() as UInt32
            var packet = withUnsafeBytes(of: address) { Array($0) }
            packet += withUnsafeBytes(of: realm) { Array($0) } + [0, 0, 0, 0]
            packet += secret.withUnsafeBytes { Array($0) }
            let answer = try program.testRun(packet).packet.withUnsafeBytes { $0.load(as: UInt64.self) }
            #expect(answer == fa_hash_address(secret, address.halves_be.0, address.halves_be.1, realm))
        }
    }

    @Test func `no key is twice, no value is torn and nothing is lost while both sides write`() throws {
        let instance = try KernelInstance("stress", hostCapacity: 2048)
        let dataPlane = try #require(instance.dataPlane)
        var random = SystemRandomNumberGenerator()
        try dataPlane.setHosts((0..<Self.permanent).map { Self.entry($0, random.next()) })
        var object = try BPFObject(path: BPFObjects.path(of: "table"))
        try object.setConstant("permanent_keys", to: UInt32(Self.permanent))
        try object.setConstant("all_keys", to: UInt32(Self.all))
        for map in object.maps() {
            if let handle = dataPlane.maps.handles[map.name] { try object.reuse(handle, as: map.name) }
        }
        let loaded = try object.load()
        let counts = try BPFArrayRegion<UInt64>(loaded.map("test_counts"))
        var inserted = 0
        var removed = 0
        for _ in 0..<4 {
            let writing = ProgramLoop(try loaded.program("table_write"))
            let reading = ProgramLoop(try loaded.program("table_read"))
            writing.start()
            reading.start()
            let written = try write(dataPlane)
            try writing.stop()
            try reading.stop()
            inserted += written.inserted
            removed += written.removed
            try check(dataPlane, live: Self.permanent + Int(counts[0]) - Int(counts[1]) + inserted - removed)
        }
        #expect(counts[0] > 1000 && counts[1] > 1000 && counts[2] > 1000, "programs inserted, removed and read")
        #expect(inserted > 1000 && removed > 1000)
        #expect(counts[3] == 0, "torn values")
        #expect(counts[4] == 0, "permanent entries that were missed")
        #expect(counts[5] == 0, "keys that were there twice")
    }

    /// Changes the permanent keys in place, inserts and removes the others, reads them all.
    private func write(_ dataPlane: KernelDataPlane) throws -> (inserted: Int, removed: Int) {
        var random = SystemRandomNumberGenerator()
        var inserted = 0
        var removed = 0
        for _ in 0..<50_000 {
            let number = Int.random(in: 0..<Self.all, using: &random)
            if number < Self.permanent {
                try dataPlane.setHost(Self.entry(number, random.next()))
            } else if Bool.random(using: &random) {
                // Whether it was new is known to the table alone: an entry of the programs may be there.
                let isNew = try dataPlane.state.withLock { state in
                    let record = HostRecord(Self.entry(number, random.next()), hostPath: 0)
                    return try state.hosts.set(HostKey(.ten(number)), record, tick: 0) == nil
                }
                if isNew { inserted += 1 }
            } else if try dataPlane.removeHost(HostKey(.ten(number))) {
                removed += 1
            }
            if let tunnel = try dataPlane.host(HostKey(.ten(number)))?.tunnel {
                if !Self.isWhole(tunnel) { Issue.record("read half of an entry") }
            } else if number < Self.permanent {
                Issue.record("missed a permanent entry")
            }
        }
        return (inserted, removed)
    }

    private func check(_ dataPlane: KernelDataPlane, live: Int) throws {
        var found: Set<IPAddress> = []
        try dataPlane.scanHosts { entry, _ in
            #expect(found.insert(entry.key.address).inserted, "\(entry.key.address) is there twice")
            return true
        }
        #expect(found.count == live)
        #expect(dataPlane.hostTable == TableStatistics(entries: live, capacity: 2048, spilled: 0))
        for number in 0..<Self.permanent { #expect(found.contains(.ten(number))) }
    }

    /// Runs a program again and again on a thread of its own.
    private final class ProgramLoop: Sendable {
        private let program: BPFProgram
        private let isStopped = Atomic(false)
        private let end = DispatchSemaphore(value: 0)
        private let failure = Mutex<BPFError?>(nil)

        init(_ program: consuming BPFProgram) { self.program = program }

        func start() {
            Thread { [self] in
                let packet = [UInt8](repeating: 0, count: 64)
                do throws(BPFError) {
                    while !isStopped.load(ordering: .relaxed) { _ = try program.testRun(packet, count: 10_000) }
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
}
