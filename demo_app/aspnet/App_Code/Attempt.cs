using System;
using System.Collections.Generic;
using System.Web;
using System.Web.SessionState;

/// <summary>One candidate's sitting. Lives in the ASP.NET session, as such sites do: it is gone when the application restarts.</summary>
[Serializable]
public class Attempt
{
    public string Id;
    public bool Submitted;
    public Dictionary<int, string[]> Answers = new Dictionary<int, string[]>();

    public static Attempt Begin(HttpSessionState session)
    {
        var attempt = new Attempt { Id = Guid.NewGuid().ToString("N") };
        session["attempt." + attempt.Id] = attempt;
        return attempt;
    }

    /// <summary>The attempt that the address names, when it is this candidate's.</summary>
    public static Attempt Of(HttpContext context)
    {
        if (context.Session["uid"] == null)
        {
            context.Response.Redirect("~/Login.aspx?ReturnUrl=" + HttpUtility.UrlEncode(context.Request.RawUrl));
            return null;
        }
        var attempt = context.Session["attempt." + context.Request.QueryString["attempt"]] as Attempt;
        if (attempt == null)
            throw new HttpException(404, "There is no such attempt.");
        return attempt;
    }
}
