import Foundation
import NetworkTypes
import Testing

@testable import AnchorProtocol

/// What the fuzzer does for longer and better, in each run of the tests: mutated messages with a right authenticator, so
/// that they get past it. `FLOWANCHOR_FUZZ_ITERATIONS` and `FLOWANCHOR_SEED` repeat or prolong a run.
@Suite struct MutationTests {
    @Test func `a mutated message is read as what it says or refused, and answered with no more than came`() throws {
        var random = Random.announced("mutated messages")
        var read = 0
        let iterations = Random.iterations(30_000)
        for _ in 0..<iterations {
            let message = random.message()
            var bytes = Fixture.encode(message)
            if message.header.spi != 0 { bytes.removeLast(32) }
            for _ in 0..<random.count(1...3) { random.mutate(&bytes) }
            if try survives(plausible(bytes)) { read += 1 }
        }
        // Neither all read nor all refused, or else the mutations test nothing.
        #expect(read > iterations / 100 && read < iterations)
    }

    @Test func `each input of the fuzzer's corpus is read`() throws {
        let folder = URL(filePath: #filePath).appending(path: "../../../../Fuzzing/AnchorProtocol/Corpus").standardized
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(!names.isEmpty)
        for name in names {
            let bytes = [UInt8](try Data(contentsOf: folder.appending(path: name)))
            #expect(try survives(plausible(bytes)), "\(name)")
        }
    }

    /// True if it is a message; then it is written and read again as the same.
    private func survives(_ bytes: [UInt8]) throws -> Bool {
        let own = MessageHeader(guessing: bytes)?.recipient ?? 0
        do throws(MessageError) {
            let opened = try Fixture.ring.open(bytes, as: own)
            let again = opened.message.encoded(with: opened.association)
            #expect(try Fixture.ring.open(again, as: own).message == opened.message, "\(hexText(bytes))")
            return true
        } catch {
            let answer = Fixture.ring.refusal(of: bytes, because: error, from: 42, as: Fixture.request)
            #expect(answer.map { $0.count <= bytes.count } ?? true, "\(hexText(bytes))")
            return false
        }
    }

    /// The length put right, and an authenticator where there is to be one.
    private func plausible(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.count >= MessageHeader.length else { return bytes }
        var bytes = Array(bytes.prefix(MessageHeader.longestMessage - 32))
        let isSigned = bytes[8..<12].elementsEqual([0, 0, 1, 1])
        let length = bytes.count + (isSigned ? 32 : 0)
        bytes[6] = UInt8(length >> 8)
        bytes[7] = UInt8(length & 0xff)
        if isSigned { bytes += bytes.withUnsafeBytes { [UInt8](Fixture.association.authenticator(of: $0)) } }
        return bytes
    }
}

extension Random {
    /// Changes, takes out, puts in or doubles bytes, mostly behind the header.
    fileprivate mutating func mutate(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        let first = bytes.count > MessageHeader.length && count(0...9) != 0 ? MessageHeader.length : 0
        let place = count(first...bytes.count - 1)
        switch count(0...5) {
        case 0: bytes[place] ^= 1 << UInt8(count(0...7))
        case 1: bytes[place] = UInt8(truncatingIfNeeded: next())
        case 2: bytes[place] = [0, 1, 0x7f, 0x80, 0xff][count(0...4)]
        case 3: bytes.removeSubrange(place..<min(bytes.count, place + count(1...8)))
        case 4: bytes.insert(contentsOf: (0..<count(1...8)).map { _ in UInt8(truncatingIfNeeded: next()) }, at: place)
        default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + count(4...44))], at: place)
        }
    }
}
