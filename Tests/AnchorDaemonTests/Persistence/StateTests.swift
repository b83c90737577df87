import AnchorCore
import ControlAPI
import Dispatch
import Foundation
import NetworkTypes
import Synchronization
import Testing

@testable import AnchorDaemon

/// A folder that goes with its owner.
final class TemporaryFolder {
    let path = FileManager.default.temporaryDirectory.path + "/fa-state-\(UUID().uuidString)"

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false) }
    deinit { try? FileManager.default.removeItem(atPath: path) }
}

struct StateTests {
    @Test func `epochs grow at each start, and what is no epoch stops it`() throws {
        let folder = try TemporaryFolder()
        let file = EpochFile(path: folder.path + "/epoch")
        #expect(try (1...3).map { _ in try file.next() } == [1, 2, 3])
        try file.store(70)
        #expect(try file.next() == 71)
        try StateFile.write(Array("seven".utf8), to: file.path)
        #expect(throws: DaemonError.self) { try file.next() }
        try StateFile.write([], to: file.path)
        #expect(throws: DaemonError.self) { try file.next() }
    }

    @Test func `a state file that can't be replaced stays as it was`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/file"
        try StateFile.write([1], to: path)
        // In the way of the temporary file.
        try FileManager.default.createDirectory(atPath: path + ".new", withIntermediateDirectories: false)
        #expect(throws: DaemonError.self) { try StateFile.write([2], to: path) }
        #expect(try StateFile.read(path) == [1])
        #expect(try StateFile.read(folder.path + "/none") == nil)
    }

    @Test func `static hosts survive, and a file that can't be understood stops the start`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/hosts.json"
        let address = try #require(IPAddress("10.1.0.9"))
        var hosts = try StaticHosts(path: path)
        try hosts.set(StaticHostModel(address: address, careOf: IPAddress("203.0.113.5")))
        #expect(try StaticHosts(path: path).addresses == [address])
        #expect(try hosts.remove(address))
        #expect(try !hosts.remove(address))
        #expect(try StaticHosts(path: path).addresses.isEmpty)
        try StateFile.write(Array("{".utf8), to: path)
        #expect(throws: DaemonError.self) { try StaticHosts(path: path) }
    }

    @Test func `marks of servers survive, also of those that nobody knows, and are sorted in their file`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/servers-down.json"
        var marks = try ServerMarks(path: path)
        #expect(marks.down.isEmpty)
        #expect(try marks.set("firewall", isDown: true))
        #expect(try marks.set("cache", isDown: true))
        #expect(try !marks.set("cache", isDown: true))
        #expect(try StateFile.read(path).map { String(decoding: $0, as: UTF8.self) } == #"["cache","firewall"]"#)
        marks = try ServerMarks(path: path)
        #expect(marks.down == ["cache", "firewall"])
        #expect(try marks.set("cache", isDown: false))
        #expect(try !marks.set("other", isDown: false))
        #expect(try ServerMarks(path: path).down == ["firewall"])
    }

    @Test func `a mark that can't be stored does not count`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/servers-down.json"
        var marks = try ServerMarks(path: path)
        _ = try marks.set("firewall", isDown: true)
        // In the way of the temporary file.
        try FileManager.default.createDirectory(atPath: path + ".new", withIntermediateDirectories: false)
        #expect(throws: DaemonError.self) { try marks.set("cache", isDown: true) }
        #expect(throws: DaemonError.self) { try marks.set("firewall", isDown: false) }
        #expect(marks.down == ["firewall"])
        #expect(try ServerMarks(path: path).down == ["firewall"])
    }

    @Test(arguments: ["", "{", #"{"firewall":true}"#, #"["firewall",1]"#, #"["firewall""#])
    func `a file of marks that can't be understood stops the start and says what to do`(_ text: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/servers-down.json"
        try StateFile.write(Array(text.utf8), to: path)
        let error = #expect(throws: DaemonError.self) { try ServerMarks(path: path) }
        #expect(error?.exitCode == 74)
        #expect(error?.description.contains(path) == true)
        #expect(error?.description.contains("remove it to start with all servers in service") == true)
    }

    @Test func `records are told as stored in groups, and are there at the next start`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/journal"
        let queue = DispatchQueue(label: "test")
        let records = (1...100).map { AccessRouterRecord.node($0, MessageOrder(epoch: 1, sequence: UInt32($0))) }
        let (stream, continuation) = AsyncStream.makeStream(of: RecordNumber.self)
        let journal = try RecordStore.read(path) { _ in Issue.record("a new journal has a record") }
        let store = RecordStore(journal, queue: queue) { outcome in
            if case .stored(let number) = outcome { continuation.yield(number) }
        }
        queue.sync {
            for (place, record) in records.enumerated() {
                store.append(record, RecordNumber(place + 1))
                if place % 10 == 9 { store.commit() }
            }
        }
        for await number in stream where number == 100 { break }
        #expect(try restored(path) == records)
    }

    @Test func `a journal written anew holds the parts of the snapshot and what followed`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/journal"
        let queue = DispatchQueue(label: "test")
        let (stream, continuation) = AsyncStream.makeStream(of: RecordNumber.self)
        let store = RecordStore(try RecordStore.read(path) { _ in }, queue: queue) { outcome in
            if case .stored(let number) = outcome { continuation.yield(number) }
        }
        let order = MessageOrder(epoch: 1, sequence: 1)
        queue.sync {
            store.append(.node(1, order), 1)
            store.commit()
        }
        for await number in stream where number == 1 { break }
        let ended = DispatchSemaphore(value: 0)
        queue.sync {
            store.compact { place, body in
                body(.node(UInt64(20 + place), order))
                // What comes between one part and the next.
                store.append(.node(UInt64(30 + place), order), RecordNumber(2 + place))
                store.commit()
                if place == 2 { ended.signal() }
                return place < 2 ? place + 1 : nil
            } failed: {
                Issue.record($0)
            }
            #expect(!store.wantsCompaction)
        }
        #expect(ended.wait(timeout: .now() + 60) == .success)
        for await number in stream where number == 4 { break }
        let expected = [20, 21, 22, 30, 31, 32].map { AccessRouterRecord.node($0, order) }
        for _ in 0..<6000 where try restored(path) != expected { try await Task.sleep(for: .milliseconds(10)) }
        #expect(try restored(path) == expected)
    }

    private func restored(_ path: String) throws -> [AccessRouterRecord] {
        var records: [AccessRouterRecord] = []
        _ = try RecordStore.read(path) { records.append($0) }
        return records
    }
}
