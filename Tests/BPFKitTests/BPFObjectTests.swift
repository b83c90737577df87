import BPFObjects
import CBPF
import KernelTestSupport
import Testing

@testable import BPFKit

@Suite(.kernel) struct BPFObjectTests {
    @Test func `a constant that is set before loading is what the program sees`() throws {
        var object = try BPFObject(path: BPFObjects.path(of: "bpfkit"))
        try object.setConstant("verdict", to: UInt32(XDP_TX.rawValue))
        let loaded = try object.load()
        let run = try loaded.program("count").testRun([UInt8](repeating: 1, count: 64))
        #expect(run.verdict == XDP_TX.rawValue)
        #expect(run.packet.first == 2)
        #expect(run.packet.count == 64)
    }

    @Test func `an unknown constant is refused by name`() throws {
        var object = try BPFObject(path: BPFObjects.path(of: "bpfkit"))
        do {
            try object.setConstant("no_such_constant", to: UInt32(0))
            Issue.record("accepted")
        } catch {
            #expect(error.description.contains("no_such_constant"))
        }
    }

    @Test func `a constant of another size is refused`() throws {
        var object = try BPFObject(path: BPFObjects.path(of: "bpfkit"))
        do {
            try object.setConstant("verdict", to: UInt64(0))
            Issue.record("accepted")
        } catch {
            #expect(error.description.contains("8 bytes"))
        }
    }

    @Test func `a file that does not exist is named in the error`() {
        do {
            _ = try BPFObject(path: "/nonexistent/x.bpf.o")
            Issue.record("opened")
        } catch {
            #expect(error.code == 2)
            #expect(error.description.contains("/nonexistent/x.bpf.o"))
        }
    }

    @Test func `only the selected programs are loaded`() throws {
        var object = try BPFObject(path: BPFObjects.path(of: "bpfkit"))
        try object.select(programs: ["mark"])
        let loaded = try object.load()
        _ = try loaded.program("mark").identifier()
        do {
            _ = try loaded.program("count")
            Issue.record("loaded")
        } catch {
            #expect(error.description.contains("count"))
        }
    }

    @Test func `a map of one instance serves another`() throws {
        let path = try BPFObjects.path(of: "bpfkit")
        let first = try BPFObject(path: path).load()
        let seen: BPFMap<UInt32, UInt64> = try first.map("seen")
        var second = try BPFObject(path: path)
        try second.reuse(seen, as: "seen")
        let loaded = try second.load()
        _ = try loaded.program("count").testRun([UInt8](repeating: 9, count: 64), count: 3)
        // The program writes its first byte, so each run counts another one.
        #expect(try seen.value(9) == 1)
        #expect(try seen.value(10) == 1)
    }

    @Test func `maps are described as the source has them, with sizes changed before loading`() throws {
        var object = try BPFObject(path: BPFObjects.path(of: "bpfkit"))
        try object.setCapacity(of: "table", to: 5)
        let table = object.maps().first { $0.name == "table" }
        #expect(table?.capacity == 5)
        #expect(table?.keySize == 4)
        #expect(object.maps().map(\.name).sorted() == ["devices", "lengths", "packets", "seen", "table"])
        #expect(object.programs().sorted() == ["count", "mark", "redirect"])
    }
}
