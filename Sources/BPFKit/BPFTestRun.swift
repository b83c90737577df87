import CBPF
import Glibc

/// What a program did with a packet.
public struct BPFTestRun: Hashable, Sendable {
    /// `XDP_…` or `TC_ACT_…`.
    public var verdict: UInt32
    /// The packet as the program left it.
    public var packet: [UInt8]
    /// A run's average, in nanoseconds.
    public var nanoseconds: UInt32
}

extension BPFProgram {
    /// Room for what a program may put in front of a packet, in bytes.
    private static let headroom = 256

    /// Runs the program on a packet, with no interface involved.
    /// - Parameters:
    ///   - packet: the frame, at least 14 bytes.
    ///   - interface: index of the interface on which it seems to arrive; 0 for the loopback's.
    ///   - count: how often to run; on the same packet, so only the first run of a program that
    ///     changes it sees it unchanged.
    public borrowing func testRun(
        _ packet: [UInt8], interface: UInt32 = 0, count: Int32 = 1
    ) throws(BPFError) -> BPFTestRun {
        var context = xdp_md()
        context.data_end = UInt32(packet.count)
        context.ingress_ifindex = interface
        return try run(packet, context: interface == 0 ? nil : context, count: count)
    }

    /// The same with a context that the kernel fills the program's from, such as `xdp_md` or `__sk_buff`.
    public borrowing func testRun<Context>(
        _ packet: [UInt8], context: Context, count: Int32 = 1
    ) throws(BPFError) -> BPFTestRun {
        try run(packet, context: context, count: count)
    }

    private borrowing func run<Context>(
        _ packet: [UInt8], context: Context?, count: Int32
    ) throws(BPFError) -> BPFTestRun {
        let capacity = packet.count + Self.headroom
        var options = bpf_test_run_opts()
        options.sz = optionsSize(endingWith: \bpf_test_run_opts.batch_size)
        options.repeat = count
        var status: Int32 = 0
        let raw = descriptor.raw
        let output = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, used in
            packet.withUnsafeBytes { input in
                options.data_in = input.baseAddress
                options.data_size_in = UInt32(input.count)
                options.data_out = UnsafeMutableRawPointer(buffer.baseAddress)
                options.data_size_out = UInt32(capacity)
                if var context {
                    status = withUnsafeMutableBytes(of: &context) {
                        options.ctx_in = UnsafeRawPointer($0.baseAddress)
                        options.ctx_size_in = UInt32($0.count)
                        return bpf_prog_test_run_opts(raw, &options)
                    }
                } else {
                    status = bpf_prog_test_run_opts(raw, &options)
                }
            }
            used = status == 0 ? min(capacity, Int(options.data_size_out)) : 0
        }
        guard status == 0 else { throw BPFError("test-run program", name, code: status) }
        return BPFTestRun(verdict: options.retval, packet: output, nanoseconds: options.duration)
    }

    /// Sends copies of a frame through an XDP program as if they had been received, verdicts carried out.
    /// - Parameters:
    ///   - interface: index of the interface on which they arrive.
    ///   - count: how many.
    ///   - batch: how many at once, at most 256.
    ///   - metadata: what stands in front of the frame, for programs to look at: words of four bytes in the machine's byte
    ///     order, at most seven.
    public borrowing func sendLive(
        _ frame: [UInt8], interface: UInt32, count: Int32, batch: UInt32 = 64, metadata: [UInt32] = []
    ) throws(BPFError) {
        let packet = metadata.withUnsafeBytes { Array($0) } + frame
        var context = xdp_md()
        context.data = UInt32(packet.count - frame.count)
        context.data_end = UInt32(packet.count)
        context.ingress_ifindex = interface
        var options = bpf_test_run_opts()
        options.sz = optionsSize(endingWith: \bpf_test_run_opts.batch_size)
        options.repeat = count
        options.batch_size = batch
        options.flags = 1 << 1  // BPF_F_TEST_XDP_LIVE_FRAMES
        let raw = descriptor.raw
        let status = packet.withUnsafeBytes { input in
            options.data_in = input.baseAddress
            options.data_size_in = UInt32(input.count)
            return withUnsafeMutableBytes(of: &context) {
                options.ctx_in = UnsafeRawPointer($0.baseAddress)
                options.ctx_size_in = UInt32($0.count)
                return bpf_prog_test_run_opts(raw, &options)
            }
        }
        guard status == 0 else { throw BPFError("send live frames through", "program \(name)", code: status) }
    }
}
