import CBPF
import Glibc

/// Reads the kernel's jiffies the way programs do, through a program of four instructions.
public struct JiffiesSource: ~Copyable, Sendable {
    private let program: BPFProgram

    /// - Parameter shift: jiffies are divided by two to the power of this, 0 to 63.
    public init(shift bits: Int32 = 8) throws(BPFError) {
        let call = bpf_insn(code: 0x85, dst_reg: 0, src_reg: 0, off: 0, imm: 118)  // r0 = bpf_jiffies64()
        let shift = bpf_insn(code: 0x77, dst_reg: 0, src_reg: 0, off: 0, imm: bits)  // r0 >>= bits
        let exit = bpf_insn(code: 0x95, dst_reg: 0, src_reg: 0, off: 0, imm: 0)
        let instructions = [call, shift, exit]
        let loaded = bpf_prog_load(
            BPF_PROG_TYPE_SCHED_CLS, "fa_jiffies", "Dual BSD/GPL", instructions, instructions.count, nil)
        guard loaded >= 0 else { throw BPFError("load", "the program that reads jiffies", code: errno) }
        program = BPFProgram(Descriptor(loaded), name: "fa_jiffies")
    }

    /// The lower 32 bits of jiffies, divided.
    public borrowing func read() throws(BPFError) -> UInt32 {
        try program.testRun([UInt8](repeating: 0, count: 14)).verdict
    }
}
