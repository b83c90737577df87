import ArgumentParser

struct AnchorCtl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "anchorctl",
        abstract: "Look at and control FlowAnchor, and run its labs.",
        subcommands: [LabCommand.self])
}

AnchorCtl.main()
