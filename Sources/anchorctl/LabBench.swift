import ArgumentParser
import Foundation
import NetworkLab

extension LabCommand {
    struct Bench: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Measure handovers and connections in labs.", discussion: "One figure a line.")

        @Option(help: "Run one part: \(LabBench.all.map(\.name).joined(separator: ", ")).") var only: String?
        @Flag(help: "One JSON object a line.") var json = false

        func run() throws {
            let chosen = LabBench.all.filter { only == nil || $0.name == only }
            guard !chosen.isEmpty else { throw ValidationError("there is no part \(only ?? "")") }
            try Tools.checkAll()
            RemovalOnSignal.install()
            LabRemoval.sweep()
            for bench in chosen {
                if !json { print("\(bench.name): \(bench.summary)") }
                let figures = try bench.run { line in
                    if !json { print(line) }
                }
                for figure in figures {
                    if json {
                        try printJSON(figure)
                    } else {
                        print("  " + figure.line)
                    }
                }
                fflush(nil)
            }
        }
    }
}

extension Figure {
    /// For people.
    var line: String {
        var line = name.padded(32) + String(format: "%.2f %@", value, unit)
        if let reference, let ratio { line += String(format: ", reference %.2f, ratio %.2f", reference, ratio) }
        if let target, let met { line += ", to reach \(target): \(met ? "met" : "NOT MET")" }
        return line
    }
}
