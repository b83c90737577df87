import BPFKit
import BPFObjects
import FlowAnchorABI

/// Runs programs on frames of random flows, in the kernel, with no interface involved.
struct Driver: ~Copyable {
    private let driver: BPFProgram
    private let nothing: BPFProgram
    private let target: BPFProgramArray
    private let settings: BPFArrayRegion<fa_bench>

    init() throws {
        let loaded = try BPFObject(path: try BPFObjects.path(of: "driver")).load()
        let driver = try loaded.program("bench_driver")
        let nothing = try loaded.program("bench_nothing")
        let target = try BPFProgramArray(try loaded.map("bench_target"))
        let settings = try BPFArrayRegion(try loaded.map("bench_settings", UInt32.self, fa_bench.self))
        self.driver = driver
        self.nothing = nothing
        self.target = target
        self.settings = settings
    }

    /// - Parameter flows: a power of two.
    func prepare(_ frame: Frame, flows: Int) {
        var bench = fa_bench()
        bench.length = UInt32(frame.bytes.count)
        bench.flow_mask = UInt32(flows - 1)
        bench.random = 0x5eed
        withUnsafeMutableBytes(of: &bench.frame) { $0.copyBytes(from: frame.bytes) }
        withUnsafeMutableBytes(of: &bench.offset) { offsets in
            withUnsafeMutableBytes(of: &bench.base) { bases in
                for (index, place) in frame.varying.prefix(2).enumerated() {
                    offsets.storeBytes(of: UInt32(place.offset), toByteOffset: 4 * index, as: UInt32.self)
                    bases.storeBytes(of: place.base, toByteOffset: 4 * index, as: UInt32.self)
                }
            }
        }
        settings[0] = bench
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

    private func run(_ frame: Frame, _ count: Int) throws -> Double {
        Double(try driver.testRun(frame.bytes, count: Int32(count)).nanoseconds)
    }
}
