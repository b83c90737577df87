import BPFObjects
import CBPF
import Glibc
import KernelTestSupport
import Synchronization
import Testing

@testable import BPFKit

@Suite(.kernel) struct BPFMapTests {
    private func table() throws -> BPFMap<UInt32, UInt64> {
        try BPFMap(
            making: BPFMapDescription(name: "t", type: BPF_MAP_TYPE_HASH, keySize: 4, valueSize: 8, capacity: 8))
    }

    @Test func `what was set is found until it is removed`() throws {
        let map = try table()
        #expect(try map.value(1) == nil)
        try map.set(1, to: 11)
        try map.set(2, to: 22)
        #expect(try map.value(2) == 22)
        #expect(try map.keys().sorted() == [1, 2])
        #expect(try map.remove(1) == true)
        #expect(try map.remove(1) == false)
        #expect(try map.keys() == [2])
    }

    @Test func `a full map says how much it holds`() throws {
        let map = try table()
        do {
            for key in 0..<100 { try map.set(UInt32(key), to: 0) }
            Issue.record("no end")
        } catch {
            #expect(error.description.contains("at most 8 entries"))
        }
    }

    @Test func `a map of other types is refused`() throws {
        let map = try table()
        let folder = BPFFileSystem.standardRoot + "/fa-bpfkit-\(getpid())-types"
        try BPFFileSystem.prepare(folder)
        try map.pin(at: folder + "/t")
        do {
            _ = try BPFMap<UInt32, UInt32>.pinned(at: folder + "/t")
            Issue.record("accepted")
        } catch {
            #expect(error.description.contains("values of 4 bytes"))
        }
        try BPFFileSystem.remove(folder)
        #expect(BPFFileSystem.contents(of: folder).isEmpty)
    }

    @Test func `a pinned map outlives its owner`() throws {
        let folder = BPFFileSystem.standardRoot + "/fa-bpfkit-\(getpid())-pin"
        try BPFFileSystem.prepare(folder + "/deeper")
        do {
            let map = try table()
            try map.set(5, to: 55)
            try map.pin(at: folder + "/deeper/t")
        }
        let found = try BPFMap<UInt32, UInt64>.pinned(at: folder + "/deeper/t")
        #expect(try found?.value(5) == 55)
        try BPFFileSystem.remove(folder)
        let gone = try BPFMap<UInt32, UInt64>.pinned(at: folder + "/deeper/t") == nil
        #expect(gone)
    }

    @Test func `an array in memory is the array that programs see`() throws {
        let object = try BPFObject(path: BPFObjects.path(of: "bpfkit")).load()
        let map: BPFMap<UInt32, UInt64> = try object.map("seen")
        let region = try BPFArrayRegion(map)
        region[7] = 100
        _ = try object.program("count").testRun([UInt8](repeating: 7, count: 64))
        #expect(region[7] == 101)
        #expect(try map.value(7) == 101)
    }

    @Test func `counters of all processors are added up`() throws {
        let object = try BPFObject(path: BPFObjects.path(of: "bpfkit")).load()
        let packets = try BPFPerCPUArray<UInt64>(object.map("packets"))
        _ = try object.program("count").testRun([UInt8](repeating: 7, count: 64), count: 10)
        #expect(try packets.sum(0) == 10)
        #expect(try packets.values(1).allSatisfy { $0 == 0 })
    }

    @Test func `records of a ring buffer arrive in order`() throws {
        let object = try BPFObject(path: BPFObjects.path(of: "bpfkit")).load()
        let lengths = Lengths()
        let ring = try BPFRingBuffer(object.map("lengths")) { lengths.append($0.load(as: UInt32.self)) }
        #expect(try ring.consume() == 0)
        for length in [64, 80, 100] {
            _ = try object.program("count").testRun([UInt8](repeating: 0, count: length))
        }
        #expect(ring.eventDescriptor >= 0)
        #expect(try ring.poll(timeout: 1000) == 3)
        #expect(lengths.all == [64, 80, 100])
    }

    @Test func `a ring buffer is looked at without being read`() throws {
        let object = try BPFObject(path: BPFObjects.path(of: "bpfkit")).load()
        let handle = try object.handle("lengths")
        let ring = try BPFRingBuffer(object.map("lengths")) { _ in }
        #expect(try handle.ringPositions().written == 0)
        for _ in 0..<3 { _ = try object.program("count").testRun([UInt8](repeating: 0, count: 64)) }
        let before = try handle.ringPositions()
        // Records of four bytes, each behind eight of its header, rounded up to eight.
        #expect(before.written == 48 && before.read == 0 && before.waiting == 48)
        #expect(before.capacity == handle.description.capacity)
        #expect(try ring.consume() == 3)
        let after = try handle.ringPositions()
        #expect(after.written == 48 && after.read == 48 && after.waiting == 0)
        #expect(throws: BPFError.self) { try object.handle("table").ringPositions() }
    }

    @Test func `keys are walked one by one`() throws {
        let map = try table()
        #expect(try map.key(after: nil) == nil)
        for key: UInt32 in 1...5 { try map.set(key, to: 0) }
        var seen: Set<UInt32> = []
        var next = try map.key(after: nil)
        while let key = next {
            #expect(seen.insert(key).inserted)
            next = try map.key(after: key)
        }
        #expect(seen == [1, 2, 3, 4, 5])
    }

    private final class Lengths: Sendable {
        private let values = Mutex<[UInt32]>([])
        var all: [UInt32] { values.withLock { $0 } }
        func append(_ value: UInt32) { values.withLock { $0.append(value) } }
    }
}
