import Foundation
import Testing

@testable import AnchorDaemon

@Suite struct JournalTests {
    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "fa-journal-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    var path: String { folder.appending(path: "journal").path }

    func append(_ records: [[UInt8]], to journal: Journal) async throws {
        try await withCheckedThrowingContinuation { continuation in
            journal.append(records) { continuation.resume(with: $0.map(Result.failure) ?? .success(())) }
        }
    }

    func compact(_ journal: Journal, to records: [[UInt8]]) async throws {
        try await withCheckedThrowingContinuation { continuation in
            do {
                let rewrite = try journal.beginRewrite()
                var writer = JournalFrame.Writer()
                for record in records { writer.add { $0 += record } }
                try rewrite.append(writer)
                journal.replace(by: rewrite) { continuation.resume(with: $0.map(Result.failure) ?? .success(())) }
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }

    func reopened() throws -> [[UInt8]] { try Journal.open(path: path).records }

    @Test func `records come back in order`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let (journal, empty) = try Journal.open(path: path)
        #expect(empty.isEmpty)
        try await append([[1], [2, 2]], to: journal)
        try await append([[]], to: journal)
        #expect(try reopened() == [[1], [2, 2], []])
    }

    @Test func `compacting replaces what was there, and what follows stays`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let (journal, _) = try Journal.open(path: path)
        for number in 0..<100 { try await append([[UInt8(number)]], to: journal) }
        let before = journal.length
        try await compact(journal, to: [[200]])
        try await append([[201]], to: journal)
        #expect(journal.length < before)
        #expect(try reopened() == [[200], [201]])
    }

    @Test func `what is stored while it is written anew stands behind what was there when that began`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let (journal, _) = try Journal.open(path: path)
        try await append([[1]], to: journal)
        let rewrite = try journal.beginRewrite()
        try await append([[2]], to: journal)
        for number in UInt8(100)..<103 {
            var part = JournalFrame.Writer()
            part.add { $0.append(number) }
            try rewrite.append(part)
            try await append([[number - 97]], to: journal)
        }
        #expect(try reopened() == [[1], [2], [3], [4], [5]])
        try rewrite.flush()
        let failure = await withCheckedContinuation { continuation in
            journal.replace(by: rewrite) { continuation.resume(returning: $0) }
        }
        #expect(failure == nil)
        try await append([[6]], to: journal)
        #expect(try reopened() == [[100], [101], [102], [2], [3], [4], [5], [6]])
        #expect(journal.length == (try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int))
    }

    @Test func `a new journal that can't take the place leaves the old one, and is gone`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let (journal, _) = try Journal.open(path: path)
        try await append([[1]], to: journal)
        var rewrite: JournalRewrite? = try journal.beginRewrite()
        #expect(FileManager.default.fileExists(atPath: path + ".new"))
        try FileManager.default.removeItem(atPath: path + ".new")
        try FileManager.default.createDirectory(atPath: path + ".new", withIntermediateDirectories: false)
        let failure = await withCheckedContinuation { continuation in
            journal.replace(by: rewrite!) { continuation.resume(returning: $0) }
        }
        #expect(failure?.operation == "rename to")
        try await append([[2]], to: journal)
        #expect(try reopened() == [[1], [2]])
        try FileManager.default.removeItem(atPath: path + ".new")
        rewrite = try journal.beginRewrite()
        rewrite = nil
        #expect(!FileManager.default.fileExists(atPath: path + ".new"))
    }

    @Test func `a file cut at any byte gives the records of its whole frames, and takes new ones`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let frames: [[[UInt8]]] = [[[1, 2, 3]], [[4], [5, 6]], [[7]]]
        let encoded = frames.map(JournalFrame.encode)
        let whole = encoded.flatMap { $0 }
        for cut in 0...whole.count {
            try Data(whole[..<cut]).write(to: URL(filePath: path))
            var complete = 0
            var end = 0
            while complete < encoded.count, end + encoded[complete].count <= cut {
                end += encoded[complete].count
                complete += 1
            }
            let (journal, records) = try Journal.open(path: path)
            #expect(records == Array(frames[..<complete].joined()), "cut at \(cut)")
            try await append([[9]], to: journal)
            #expect(try reopened() == Array(frames[..<complete].joined()) + [[9]], "cut at \(cut)")
        }
    }

    @Test func `a changed byte before the last frame is refused, not skipped`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let first = JournalFrame.encode([[1, 2, 3]])
        let second = JournalFrame.encode([[4]])
        for position in JournalFrame.headerLength..<first.count {
            var bytes = first + second
            bytes[position] ^= 0x10
            try Data(bytes).write(to: URL(filePath: path))
            let error = #expect(throws: JournalError.self) { try Journal.open(path: path) }
            #expect(error?.description.contains("byte 0 and what follows is damaged") == true)
        }
    }

    @Test func `many writers share flushes and each is told`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let (journal, _) = try Journal.open(path: path)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<500 {
                group.addTask { try await append([[UInt8(number >> 8), UInt8(number & 0xff)]], to: journal) }
            }
            try await group.waitForAll()
        }
        #expect(Set(try reopened()).count == 500)
        // A header a flush: fewer headers than writers.
        #expect(journal.length < 500 * (JournalFrame.headerLength + 4))
    }

    @Test func `a failed write is told and loses nothing`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let (journal, _) = try Journal.open(path: path)
        try await append([[1]], to: journal)
        try FileManager.default.removeItem(at: URL(filePath: path))
        let error = await #expect(throws: JournalError.self) { try await append([[2]], to: journal) }
        #expect(error?.operation == "open" && error?.code == ENOENT)
    }

    @Test func `a full disk refuses the record and keeps those before`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        // A limit on this process's files would end other tests; the kernel's always-full device does not.
        let error = #expect(throws: JournalError.self) {
            try StableFile(path: "/dev/full", flags: O_WRONLY).append([1])
        }
        #expect(error?.code == ENOSPC)
        #expect(error?.nextStep == "make room on its file system")
    }
}
