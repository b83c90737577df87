import NetworkTypes

/// A ping that goes on, with one identifier.
final class EchoRequests: Application {
    let name = "ping"
    private let process: BackgroundProcess
    private let answers: LineCounter
    private let repetitions: LineCounter
    private var mark = 0

    /// - Parameters:
    ///   - source: the address to send from; by default the kernel's choice.
    ///   - size: bytes behind the ICMP header.
    init(
        on lab: Lab, family: AddressFamily, identifier: Int, size: Int, source: IPAddress? = nil, name: String
    ) throws {
        let options = ["-n", "-O", "-i", "0.1", "-e", "\(identifier)", "-s", "\(size)"]
        process = try lab.start(
            ["ping"] + options + (source.map { ["-I", "\($0)"] } ?? []) + ["\(AddressPlan.correspondent(family))"],
            on: "mn", name: name)
        answers = LineCounter(process.logPath) { $0.contains("bytes from") }
        repetitions = LineCounter(process.logPath) { $0.contains("DUP!") }
    }

    var isRunning: Bool { process.isRunning }
    /// Answers that came more than once.
    var repeated: Int { repetitions.update() }

    func markProgress() { mark = answers.update() }

    func waitForProgress() throws {
        try process.waitUntil("more answers", timeout: .seconds(20)) { answers.update() >= mark + 3 }
    }
}
