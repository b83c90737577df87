import ArgumentParser

/// The operator's hand.
@main
struct AnchorCtl: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "anchorctl",
        abstract: "Look at and control FlowAnchor, and run its labs.",
        discussion: """
            Exit codes: 0 done, also when a list is empty; 64 wrong usage; 65 refused as invalid; 66 no such thing; \
            69 the daemon can't be reached; 70 the daemon or this program failed; 73 in conflict with what is there; \
            75 not now, try again; 77 no permission; 78 mistakes in the configuration; 1 checks that did not pass.
            """,
        subcommands: [
            StatusCommand.self, DoctorCommand.self, ConfigCommand.self, HostCommand.self, FlowCommand.self,
            NATCommand.self, NodeCommand.self, HandoverCommand.self, AttachCommand.self, ServerCommand.self,
            PeerCommand.self, MapCommand.self,
            DropCommand.self,
            MonitorCommand.self, UnloadCommand.self, PKICommand.self, LabCommand.self,
        ])
}
