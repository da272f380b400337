using System;
using System.Web;
using System.Web.UI;

/// <summary>A page of the examination: who is asking, which attempt, and nothing of it in any cache.</summary>
public class ExamPage : Page
{
    protected Attempt Attempt;

    protected override void OnInit(EventArgs e)
    {
        Attempt = Attempt.Of(Context);
        // A posted form belongs to the session that it was made for.
        ViewStateUserKey = Session.SessionID;
        Response.Cache.SetCacheability(HttpCacheability.NoCache);
        Response.Cache.SetNoStore();
        base.OnInit(e);
    }

    protected string At(string page, string more = "")
    {
        return "~/Exam/" + page + "?attempt=" + Attempt.Id + more;
    }
}
