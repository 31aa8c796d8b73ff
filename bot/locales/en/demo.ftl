## reglament demo

demo-team = Sales
demo-company = Example and Partners
demo-living = Days ahead: { $days }
demo-intro = A made-up department lived { $days }: { $scored } cutoffs, { $entries } rows in the ledger.
demo-events = Along the way: on { $down } the CRM did not answer in time (the day is not scored), on { $late } it answered at the second attempt, on { $change } the bound for calls changed, on { $absent } { $who } was absent.
demo-personal = Personal messages of { $day }
demo-more = …and { $n } more messages like these
demo-board = The group
demo-digest = The head
demo-week = /week
demo-verified = The ledger is proved: the chain is whole, { $days } were counted again and gave the same points.
demo-files = Picture: { $picture }
demo-workbook = Workbook: { $workbook }
demo-next = Next: put a token from @BotFather into { $config } and start
demo-problem = Problems found: { $n }
field-source = Source
field-budget = Budget
