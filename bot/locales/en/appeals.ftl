## Appeals

appeal-recheck-author = re-check with the CRM
appeal-recheck-reason = by the CRM's own data the rule was kept at the cutoff
appeal-term-author = term of the appeal
appeal-term-reason = nobody decided within ten working days
appeal-ledger-reason = appeal no. { $id }

dispute-button = I disagree
dispute-which = { $day }: which rule do you disagree with?
dispute-nothing = { $day }: no rule took points, there is nothing to appeal
dispute-why = Why?
dispute-text = Answer with a sentence or two (at most 1,000 characters), or send it without a comment
dispute-without-text = Send without a comment
dispute-close = Close
dispute-closed = No appeal was filed, the day stays as it was
appeal-back = ‹ Back

appeal-cause-wrong_data = The data are wrong
appeal-cause-done_before = Done before the cutoff
appeal-cause-client = The client delayed
appeal-cause-absence = I was absent
appeal-cause-technical = A technical failure
appeal-cause-other = Another reason

appeal-state-filed = appeal pending
appeal-state-kept = appeal granted
appeal-state-excused = appeal granted
appeal-state-refused = appeal refused
appeal-state-withdrawn = appeal withdrawn

appeal-head = Appeal no. { $id }: “{ $kpi }”, { $day }
appeal-sent = The appeal went to your head, the decision will come here. Without a decision within 10 working days the points come back
appeal-withdraw = Withdraw the appeal
appeal-by = Decided by { $author }.
appeal-outcome-filed = Appeal no. { $id } is pending: “{ $kpi }”, { $day }
appeal-outcome-kept = Appeal no. { $id } was granted: the rule “{ $kpi }” of { $day } counts as kept, the points taken came back and the points of the rule were added
appeal-outcome-excused = Appeal no. { $id } was granted: the rule “{ $kpi }” of { $day } is not scored, the points taken came back
appeal-outcome-refused = Appeal no. { $id } was refused: “{ $kpi }”, { $day }, the points stay taken
appeal-outcome-withdrawn = Appeal no. { $id } was withdrawn: “{ $kpi }”, { $day }

appeal-problem-no-day = That day was not scored: no points were taken, there is nothing to appeal
appeal-problem-not-broken = That rule took no points on that day, or they came back already
appeal-problem-too-late = The term is over: an appeal was possible until { $detail }. If there are new facts, tell your head
appeal-problem-too-long = Too long: shorten it to { $detail } characters and send it again, the appeal waits
appeal-problem-decided = This appeal was decided already
appeal-problem-own = Nobody decides about an own appeal: the owner does
appeal-problem-not-yours = Only who filed an appeal may withdraw it
appeal-problem-changed = The points of this rule are no longer taken (an absence or a correction was recorded): excuse or refuse it

recheck-running = Checking with the CRM…
recheck-waits = The re-check with the CRM is not finished yet, the result will come here
recheck-problem = Re-check: the CRM did not answer, the head decides
recheck-untold = Re-check: the CRM does not tell such data afterwards, the head decides
recheck-records = Re-check, records at the cutoff: { $told }
recheck-in-order = in order { $n }
recheck-not-in-order = not in order { $n }
recheck-not-told = not told { $n }
recheck-again = Re-check: the day was counted again and came to { $value }
proof-in-order = in order
proof-not-in-order = not in order at the cutoff, by the CRM's own data
proof-not-told = the CRM keeps no trace of the cutoff
proof-done = was done
proof-deadline = the deadline had been moved
proof-task = there was a task
proof-comment = there was a comment
proof-filled = the fields were filled
proof-stage = the stage was another
proof-closed = the deal was closed
proof-owner = another person was responsible
proof-deleted = the record was deleted
proof-merged = the record was merged
proof-uncounted = does not count by the CRM's data

appeal-stage-reminder = ⏰ This appeal has waited for a working day
appeal-stage-owner = ⏰ Undecided for two working days: now the owner decides
appeal-why = Reason: { $cause }.
appeal-gone-rule = There is no snapshot with this rule
appeal-before-none = No appeals before, neither of this person nor on this rule
appeal-before = Before: { $person } appeals of this person ({ $granted } granted), { $rule } on this rule ({ $rulegranted } granted)
decide-kept = Kept
decide-excused = Excuse
decide-refused = Refuse
decide-why = Decision “{ $decision }”: why?
decide-write = Write the reason as your next message (at most 1,000 characters)
reason-own = Write my own reason
reason-kept-shown = Showed that it was done
reason-kept-trust = I trust the word
reason-excused-client = The client delayed
reason-excused-failure = A failure, nobody's fault
reason-excused-absence = Was absent
reason-refused-unproved = Nothing proves it
reason-refused-afterwards = Entered after the cutoff
reason-refused-agreed = The rule is the same for all
appeals-none = No open appeals
appeals-head = { $n ->
    [one] { $n } open appeal
   *[other] { $n } open appeals, the oldest first
}
appeals-line = { $name }: { $kpi }, { $day } · { $days ->
    [0] today
    [one] { $days } day
   *[other] { $days } days
}
appeals-period = ⚖️ Appeals: { $all }, granted { $granted }, waiting { $waiting }
appeals-rule = “{ $kpi }” { $granted } of { $all }
appeals-waiting = ⚖️ Waiting for a decision: { $n ->
    [one] { $n } appeal
   *[other] { $n } appeals
}, the oldest for { $days ->
    [one] { $days } day
   *[other] { $days } days
} · /appeals
command-appeals = appeals that wait for a decision
