import Foundation
import Testing

@testable import AnchorDaemon

struct PortNumbersTests {
    @Test func `interfaces are numbered from one`() {
        #expect(PortNumbers.assign(["a", "b"], keeping: [:]) == ["a": 1, "b": 2])
    }

    @Test func `numbers stay when the configuration changes around them`() {
        #expect(PortNumbers.assign(["c", "b", "a"], keeping: ["a": 1, "b": 2]) == ["a": 1, "b": 2, "c": 3])
    }

    @Test func `a number that stood for another interface is taken last`() {
        #expect(PortNumbers.assign(["b", "c"], keeping: ["a": 1, "b": 2]) == ["b": 2, "c": 3])
        let all = Dictionary(uniqueKeysWithValues: (1...63).map { ("p\($0)", UInt32($0)) })
        let numbers = PortNumbers.assign(["new"], keeping: all)
        #expect(numbers == ["new": 1])
    }

    @Test func `numbers outlive the process, also those of interfaces that are away for a while`() throws {
        let path = FileManager.default.temporaryDirectory.path + "/fa-ports-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(try PortNumbers.stored(["a", "b"], path: path) == ["a": 1, "b": 2])
        #expect(try PortNumbers.stored(["b"], path: path) == ["b": 2])
        #expect(try PortNumbers.stored(["c", "a", "b"], path: path) == ["a": 1, "b": 2, "c": 3])
    }
}
