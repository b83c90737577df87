import BPFKit
import BPFObjects
import FlowAnchorABI

/// Frames into a router's one link, and how many of them come out of the other.
final class LiveTraffic {
    private let cables: RouterCables
    private let frame: [UInt8]
    private let settings: BPFArrayRegion<fa_bench>
    private let generator: BPFProgram
    private let received: BPFPerCPUArray<UInt64>
    private var sink: XDPLink?

    /// - Parameters:
    ///   - making: how frames of flows are made.
    ///   - words: of each flow, where frames are made of those.
    ///   - length: of a frame as the router is to send it, in bytes; others aren't counted.
    init(
        _ frame: [UInt8], making: fa_bench, words: [UInt64] = [], expecting length: Int, over cables: RouterCables
    ) throws {
        var object = try BPFObject(path: try BPFObjects.path(of: "live"))
        try object.setConstant("live_expected_length", to: UInt32(length))
        try object.setCapacity(of: "bench_words", to: UInt32(max(1, words.count)))
        let loaded = try object.load()
        let settings = try BPFArrayRegion(try loaded.map("bench_settings", UInt32.self, fa_bench.self))
        settings[0] = making
        let region = try BPFArrayRegion(try loaded.map("bench_words", UInt32.self, UInt64.self))
        for (index, word) in words.enumerated() { region[index] = word }
        let devices = try BPFDeviceMap(try loaded.map("live_devices"))
        try cables.source.run { try devices.set(0, to: try RouterCables.interface("source0").index) }
        let counter = try loaded.program("live_sink")
        let generator = try loaded.program("live_generator")
        let received = try BPFPerCPUArray(try loaded.map("live_received", UInt32.self, UInt64.self))
        self.cables = cables
        self.frame = frame
        self.settings = settings
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
        let (received, seconds) = try send(count)
        return Double(received) / seconds / 1e6
    }

    /// The same.
    /// - Returns: how many frames were received, and in how many seconds.
    func send(_ count: Int) throws -> (received: Int, seconds: Double) {
        let before = try received.sum(0)
        let elapsed = try cables.source.run {
            let start = ContinuousClock.now
            try generator.sendLive(frame, interface: 0, count: Int32(count))
            return ContinuousClock.now - start
        }
        return (Int(try received.sum(0) - before), elapsed.inSeconds)
    }

    /// From here on, frames are of one flow after the other from the first on, or of flows at random.
    func begin(inOrder: Bool) {
        settings[0].in_order = inOrder ? 1 : 0
        settings[0].random = inOrder ? 0 : 0x5eed
    }
}
