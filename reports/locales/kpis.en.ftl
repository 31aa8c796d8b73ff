# KPIs: the name, the words when all is well, the words for zero. One catalogue for bot, pictures, workbook and documents.

kpi-companies_added = New companies
kpi-meetings_held = Meetings
kpi-calls_held = Calls
kpi-talk_minutes = Talk minutes
kpi-missed_calls = Missed calls
kpi-deals_won = Deals won
kpi-won_amount = Amount won
kpi-deals_lost = Deals lost
kpi-lost_without_reason = Lost without a reason
kpi-deals_open = Open deals
kpi-overdue_tasks = Overdue tasks
kpi-deals_without_task = Deals without a task
kpi-deals_without_comment = Deals without a comment
kpi-deals_missing_fields = Deals with empty fields
kpi-stale_deals = Stale deals

fine-companies_added = companies { $value }
fine-meetings_held = meetings { $value }
fine-calls_held = calls { $value }
fine-talk_minutes = talk minutes { $value }
fine-missed_calls = missed calls: { $value }
fine-deals_won = deals won { $value }
fine-won_amount = won { $value }
fine-deals_lost = deals lost: { $value }
fine-lost_without_reason = lost without a reason: { $value }
fine-deals_open = open deals { $value }
fine-overdue_tasks = overdue tasks: { $value }
fine-deals_without_task = deals without a task: { $value }
fine-deals_without_comment = deals without a comment: { $value }
fine-deals_missing_fields = deals with empty fields: { $value }
fine-stale_deals = stale deals: { $value }

none-overdue_tasks = no overdue tasks
none-deals_without_task = no deals without a task
none-deals_without_comment = no deals without a comment
none-deals_missing_fields = no deals with empty fields
none-stale_deals = no stale deals
none-missed_calls = no missed calls
none-deals_lost = no deals lost
none-lost_without_reason = every loss has a reason

why-companies_added = A new company today is a deal in a month
why-meetings_held = Meetings are where clients decide: without one a deal rarely moves
why-calls_held = Every sale begins with a talk
why-talk_minutes = Talking sells, dialling does not
why-missed_calls = A client whom nobody answers calls somebody else
why-deals_won = This is what the department works for
why-won_amount = The plan of the department is made of these sums
why-deals_lost = Every lost client has already cost something
why-lost_without_reason = Without the reason of a loss nobody sees what to mend
why-deals_open = There should be as many open deals as one can look after
why-overdue_tasks = An overdue task is a promise to a client that was not kept
why-deals_without_task = A deal without a next step is a lost client that still decorates the funnel
why-deals_without_comment = Without notes no colleague can take the deal over
why-deals_missing_fields = Empty fields make reports that cannot be believed
why-stale_deals = A deal that has not moved for long is usually lost already
