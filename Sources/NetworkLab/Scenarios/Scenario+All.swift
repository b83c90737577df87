extension Scenario {
    /// All that there are, in the order of the rows.
    public static let all: [Scenario] = [
        beforeTheMove, tunnelledUp, strippedAtAnchor, downToAnchor, tunnelledDown, newFlow, thirdMove, lastFlowEnded,
        bothAttachments, returnFromBoth, translated, orderedTunnel, transparentServer, serverControl, serverDown,
        spoofedTunnels, killedDaemon, conflicts, pathMTU, traceroute, recovery, unawareBefore,
        translationOutlivesDaemon, tableTransfer, findingPreviousRouter, originalFlowAfterMove, newFlowAfterMove,
        thirdRouter, quickMoves, backAtOrigin, applications, handoverOutlivesDaemons, formerRouterIsAway,
        dynamicAddress, peers,
    ]
}
