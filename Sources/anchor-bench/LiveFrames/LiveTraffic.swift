import BPFKit
import BPFObjects
import FlowAnchorABI

/// Frames into a router's one link, and how many of them come out of the other.
final class LiveTraffic {
    private let cables: RouterCables
    private let frame: Frame
    private let generator: BPFProgram
    private let received: BPFPerCPUArray<UInt64>
    private var sink: XDPLink?

    /// - Parameters:
    ///   - flows: a power of two.
    ///   - length: of a frame as the router is to send it, in bytes; others aren't counted.
    init(_ frame: Frame, flows: Int, expecting length: Int, over cables: RouterCables) throws {
        var object = try BPFObject(path: try BPFObjects.path(of: "live"))
        try object.setConstant("live_expected_length", to: UInt32(length))
        let loaded = try object.load()
        let settings = try BPFArrayRegion(try loaded.map("bench_settings", UInt32.self, fa_bench.self))
        settings[0] = fa_bench(frame, flows: flows)
        let devices = try BPFDeviceMap(try loaded.map("live_devices"))
        try cables.source.run { try devices.set(0, to: try RouterCables.interface("source0").index) }
        let counter = try loaded.program("live_sink")
        let generator = try loaded.program("live_generator")
        let received = try BPFPerCPUArray(try loaded.map("live_received", UInt32.self, UInt64.self))
        self.cables = cables
        self.frame = frame
        self.generator = generator
        self.received = received
        try cables.sink.run {
            sink = try XDPLink(
                attaching: counter, to: try RouterCables.interface("sink0").index, modes: [.native])
        }
    }

    /// Sends so many frames. On the core of the calling thread also the router and the receiver work, in turns.
    /// - Returns: frames received a second, in millions.
    func rate(count: Int) throws -> Double {
        let before = try received.sum(0)
        let elapsed = try cables.source.run {
            let start = ContinuousClock.now
            try generator.sendLive(frame.bytes, interface: 0, count: Int32(count))
            return ContinuousClock.now - start
        }
        return Double(try received.sum(0) - before) / elapsed.inSeconds / 1e6
    }
}
