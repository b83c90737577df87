import NetworkTypes
import Testing

@testable import AnchorDaemon

@Suite struct HeldFramesTests {
    private let host = IPAddress("10.64.0.100")!
    private let other = IPAddress("10.64.0.101")!

    private func frame(_ number: UInt8) -> HeldFrames.Frame { HeldFrames.Frame(bytes: [number], port: 1) }

    @Test func `frames of a host come back in their order, once`() {
        var held = HeldFrames()
        for number: UInt8 in 1...3 { held.add(frame(number), of: host) }
        held.add(frame(9), of: other)
        #expect(held.has(host))
        #expect(held.take(host).map(\.bytes) == [[1], [2], [3]])
        #expect(!held.has(host))
        #expect(held.take(host).isEmpty)
        #expect(held.take(other).count == 1)
    }

    @Test func `one host can't fill the memory, nor can many`() {
        var held = HeldFrames()
        let (most, all) = (HeldFrames.limitPerHost, HeldFrames.limit)
        for number in 0..<most + 488 { held.add(frame(UInt8(number & 255)), of: host) }
        #expect(held.take(host).count == most)
        #expect(held.dropped == 488)
        for number in 0..<all + 1000 {
            held.add(frame(1), of: IPAddress(v4: 0x0a40_0000 + UInt32(number)))
        }
        #expect(held.dropped == 488 + 1000)
        let late = IPAddress("10.70.0.1")!
        held.add(frame(1), of: late)
        let isHeld = held.has(late)
        #expect(!isHeld)
    }
}
