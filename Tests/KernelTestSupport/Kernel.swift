import BPFKit
import Foundation
import Testing

/// Whether tests that need the kernel can run here.
public enum Kernel {
    private static let missing: BPFError? = {
        guard let missing = Privileges.missing() else { return nil }
        let text = "\n*** KERNEL TESTS ARE SKIPPED: \(missing.description) ***\n\n"
        FileHandle.standardError.write(Data(text.utf8))
        return missing
    }()

    private static let isContinuousIntegration = ProcessInfo.processInfo.environment["CI"] == "true"

    /// With `CI=true` the tests run, and so fail, where bpf(2) isn't permitted.
    public static let permitsBPF = missing == nil || isContinuousIntegration
}

extension Trait where Self == ConditionTrait {
    /// Runs the test only where bpf(2) is permitted; with `CI=true` everywhere, so that it fails.
    public static var kernel: Self { .enabled(if: Kernel.permitsBPF, "bpf(2) isn't permitted here") }
}
