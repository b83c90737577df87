import Foundation
import NetworkTypes
import Testing

@testable import AnchorDaemon

/// Hosts in pinned tables refer to other routers by their numbers.
@Suite struct RouterDirectoryTests {
    private func withFile<T>(_ body: (String) throws -> T) throws -> T {
        let path = FileManager.default.temporaryDirectory.appending(path: "routers-\(UUID().uuidString).json").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try body(path)
    }

    @Test func `each router has a number of its own`() throws {
        try withFile { path in
            let routers = try RouterDirectory(["ar3", "ar2"], path: path)
            #expect(routers.all == ["ar2", "ar3"])
            #expect(Set(routers.all.compactMap { routers.number(of: $0) }).count == 2)
            for name in routers.all { #expect(routers.number(of: name).flatMap { routers.name(of: $0) } == name) }
        }
    }

    @Test func `numbers stay when others come and go`() throws {
        try withFile { path in
            let before = try RouterDirectory(["ar1", "ar2", "ar3"], path: path)
            let after = try RouterDirectory(["ar3", "ar0"], path: path)
            #expect(after.number(of: "ar3") == before.number(of: "ar3"))
            #expect(after.number(of: "ar0") != after.number(of: "ar3"))
            #expect(after.number(of: "ar1") == nil)
        }
    }

    @Test func `a set of routers is a set of bits, and back`() throws {
        try withFile { path in
            let routers = try RouterDirectory(["a", "b", "c"], path: path)
            #expect(routers.peers(routers.bits(["a", "c"])) == ["a", "c"])
            #expect(routers.bits([]) == 0)
            #expect(routers.bits(["nobody"]) == 0)
        }
    }

    @Test func `a file that is none is as good as no file`() throws {
        try withFile { path in
            try Data("no JSON".utf8).write(to: URL(filePath: path))
            #expect(try RouterDirectory(["ar1"], path: path).number(of: "ar1") == 0)
            try Data(#"{"ar1": 77, "ar2": 1}"#.utf8).write(to: URL(filePath: path))
            let routers = try RouterDirectory(["ar1", "ar2"], path: path)
            #expect(routers.number(of: "ar2") == 1)
            #expect(routers.number(of: "ar1") == 0)
        }
    }
}
