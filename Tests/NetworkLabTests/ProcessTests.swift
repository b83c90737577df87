import Foundation
import Testing

@testable import NetworkLab

@Suite struct ProcessTests {
    @Test func `output, errors and exit code of a command arrive apart`() throws {
        let result = try Command(["sh", "-c", "cat; echo bad >&2; exit 3"], input: "good").run()
        #expect(result.output == "good")
        #expect(result.errors == "bad\n")
        #expect(result.status == 3)
    }

    @Test func `a command that fails is an error with its reason`() {
        #expect { try Command(["sh", "-c", "echo the reason >&2; exit 1"]).check() } throws: {
            "\($0)".contains("the reason")
        }
    }

    @Test func `a command that does not exist is named`() {
        #expect { try Command(["no-such-command-here"]).run() } throws: { "\($0)".contains("no-such-command-here") }
    }

    @Test func `a command that takes too long is killed with its children`() throws {
        #expect(throws: LabError.timedOut("`sh -c sleep 1000 & echo $!; wait` to end")) {
            try Command(["sh", "-c", "sleep 1000 & echo $!; wait"]).run(timeout: .milliseconds(50))
        }
    }

    @Test func `a process is stopped, and one that ended is told from one that runs`() throws {
        let log = NSTemporaryDirectory() + "fa-process-\(getpid()).log"
        defer { try? FileManager.default.removeItem(atPath: log) }
        let process = try BackgroundProcess(
            Command(["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"]), name: "stubborn", logPath: log
        )
        try process.waitUntil("ready") { process.log.contains("ready") }
        #expect(process.isRunning)
        process.stop(timeout: .milliseconds(100))
        #expect(process.exitStatus == 128 + SIGKILL)
        #expect(throws: LabError.self) { try process.waitUntil("more") { false } }
    }
}
