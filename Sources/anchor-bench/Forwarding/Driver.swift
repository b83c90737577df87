import BPFKit
import BPFObjects
import FlowAnchorABI

/// Runs programs on frames of random flows, in the kernel, with no interface involved.
struct Driver: ~Copyable {
    private let driver: BPFProgram
    private let nothing: BPFProgram
    private let target: BPFProgramArray
    private let settings: BPFArrayRegion<fa_bench>
    private let words: BPFArrayRegion<UInt64>

    /// - Parameter flows: with words of their own, at most.
    init(flows: Int = 1) throws {
        var object = try BPFObject(path: try BPFObjects.path(of: "driver"))
        try object.setCapacity(of: "bench_words", to: UInt32(flows))
        let loaded = try object.load()
        let driver = try loaded.program("bench_driver")
        let nothing = try loaded.program("bench_nothing")
        let target = try BPFProgramArray(try loaded.map("bench_target"))
        let settings = try BPFArrayRegion(try loaded.map("bench_settings", UInt32.self, fa_bench.self))
        let words = try BPFArrayRegion(try loaded.map("bench_words", UInt32.self, UInt64.self))
        self.driver = driver
        self.nothing = nothing
        self.target = target
        self.settings = settings
        self.words = words
    }

    /// - Parameter flows: a power of two.
    func prepare(_ frame: Frame, flows: Int) {
        settings[0] = fa_bench(frame, flows: flows)
    }

    /// - Parameters:
    ///   - words: of each flow, a power of two of them, in random order unless `inOrder`.
    func prepare(_ frame: NATFrame, words: [UInt64], inOrder: Bool = false) {
        var bench = fa_bench(frame.bytes, flows: words.count)
        bench.from_words = 1
        bench.in_order = inOrder ? 1 : 0
        if inOrder { bench.random = 0 }
        bench.offset = (UInt32(frame.offsets[0]), UInt32(frame.offsets[1]))
        settings[0] = bench
        for (index, word) in words.enumerated() { self.words[index] = word }
    }

    /// Nanoseconds that a program takes for a frame, the driver's own subtracted.
    struct Result {
        var driver: Double
        var programs: [Double]
    }

    /// Takes turns between the programs, so that what else the machine does hits all of them, and keeps the
    /// best of each one's rounds.
    func measure(_ frame: Frame, _ first: borrowing BPFProgram, _ second: borrowing BPFProgram, rounds: Int, count: Int)
        throws -> Result
    {
        try measure(frame.bytes, first, second, rounds: rounds, count: count)
    }

    func measure(
        _ frame: [UInt8], _ first: borrowing BPFProgram, _ second: borrowing BPFProgram, rounds: Int, count: Int
    )
        throws -> Result
    {
        var best = [Double](repeating: .infinity, count: 3)
        for _ in 0..<rounds {
            try target.set(0, to: nothing)
            best[0] = min(best[0], try run(frame, count))
            try target.set(0, to: first)
            best[1] = min(best[1], try run(frame, count))
            try target.set(0, to: second)
            best[2] = min(best[2], try run(frame, count))
        }
        return Result(driver: best[0], programs: [max(best[1] - best[0], 0), max(best[2] - best[0], 0)])
    }

    /// One round of one program, which changes what it finds; the driver's own time, as in the best of a few rounds,
    /// subtracted.
    func measureOnce(_ frame: [UInt8], _ program: borrowing BPFProgram, count: Int) throws -> Double {
        try target.set(0, to: nothing)
        let own = try (0..<3).map { _ in try run(frame, count) }.min() ?? 0
        settings[0].random = 0
        try target.set(0, to: program)
        return max(try run(frame, count) - own, 0)
    }

    /// Nanoseconds a packet. The kernel says whole ones only, a thirtieth of what is being measured.
    private func run(_ frame: [UInt8], _ count: Int) throws -> Double {
        settings[0].packets = 0
        _ = try driver.testRun(frame, count: Int32(count))
        let end = settings[0]
        guard end.counted > 0 else { throw BenchError("\(count) packets are too few to measure") }
        return Double(end.last - end.first) / Double(end.counted)
    }
}

extension fa_bench {
    /// The same frame for all flows.
    init(_ bytes: [UInt8], flows: Int) {
        self.init()
        length = UInt32(bytes.count)
        flow_mask = UInt32(flows - 1)
        random = 0x5eed
        withUnsafeMutableBytes(of: &frame) { $0.copyBytes(from: bytes) }
    }

    /// Frames of so many flows in random order.
    /// - Parameter flows: a power of two.
    init(_ frame: Frame, flows: Int) {
        self.init(frame.bytes, flows: flows)
        for (index, place) in frame.varying.prefix(2).enumerated() {
            Self.set(&offset, index, UInt32(place.offset))
            Self.set(&base, index, place.base)
            Self.set(&checksum, index, UInt32(place.checksum ?? 0))
        }
    }

    private static func set(_ pair: inout (UInt32, UInt32), _ index: Int, _ value: UInt32) {
        if index == 0 { pair.0 = value } else { pair.1 = value }
    }
}
