import AnchorDataPlane
import BPFKit
import ControlAPI

/// Takes out what a daemon has left in the kernel that runs no more.
public enum Unloading {
    /// Instances that have something pinned.
    public static func instances() -> [String] {
        BPFFileSystem.contents(of: BPFFileSystem.standardRoot + "/flowanchor")
    }

    /// - Returns: what was removed.
    /// - Throws: if a daemon runs the instance, or nothing is there.
    @discardableResult
    public static func unload(_ instance: String) throws(ControlError) -> [String] {
        guard instances().contains(instance) else {
            let found = instances()
            throw ControlError(
                .notFound, "nothing is loaded for instance '\(instance)'",
                nextStep: found.isEmpty ? nil : "instances are: \(found.joined(separator: ", "))")
        }
        do throws(DataPlaneError) {
            return try KernelDataPlane.unload(.init(instance: instance))
        } catch {
            if case .inUse = error {
                throw ControlError(
                    .conflict, "a daemon runs instance '\(instance)'",
                    nextStep: "ask it: 'anchorctl unload --socket SOCKET', or stop it first")
            }
            throw ControlError(.failure, "\(error)")
        }
    }
}
